import pytest

for _name in ("coverage", "errors", "numbers", "steps", "texts", "webhooks"):
    pytest.register_assert_rewrite(f"{__name__}.{_name}")
