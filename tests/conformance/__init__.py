import pytest

for _name in ("accounts", "coverage", "errors", "numbers", "steps", "texts", "webhooks"):
    pytest.register_assert_rewrite(f"{__name__}.{_name}")
