import pytest

from ringback.kit.addresses import AddressPolicy, BadUrl, check_url, host_of, literal_address

pytestmark = pytest.mark.unit

STRICT = AddressPolicy(loopback_allowed=False, private_allowed=False)
USUAL = AddressPolicy(loopback_allowed=False)
LOCAL = AddressPolicy(loopback_allowed=True)

REFUSED_URLS = [
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "javascript:alert(1)",
    "ftp://example.com/",
    "//example.com/x",
    "example.com",
    "http://",
    "http:///path",
    "http:example.com",
    "http://example.com:99999/",
    "http://example.com:0/",
    "http://example.com:/",
    "http://example.com:-1/",
    "http://example.com:８０/",
    "http://user:secret@example.com/",
    "http://@example.com/",
    "http://user%40example.com@example.com/",
    "http://exa mple.com/",
    "http://example.com/a b",
    " http://example.com/",
    "http://example.com/ ",
    "http://example.com/\r\nX-Evil: 1",
    "http://example.com/\tx",
    "http://exam\nple.com/",
    "http://example.com/\0",
    "http://example.com/\x7f",
    "http://example.com/\u00a0",
    "http://example.com/\u2028",
    "http://example.com/\u202e",
    "http://example.com/\ud800",
    "http://example.com\\@127.0.0.1/",
    "http://example.com/" + "a" * 100_000,
    "http://example.com/" + "a" * 2030,
    "",
    "http://[::1/",
    "http://[::1]x/",
    "http://[v1.x]/",
    "http://[fe80::1%25eth0]/",
    "http://[example.com]/",
    "http://::1/",
    "http://exa%6dple.com/",
    "http://example..com/",
    "http://.example.com/",
    "http://-example.com/",
    "http://" + "a" * 64 + ".com/",
    "http://" + "a." * 130 + "com/",
    "http://xn--\u00fc/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://example.1/",
]


@pytest.mark.parametrize("url", REFUSED_URLS, ids=lambda url: ascii(url)[:40])
def test_urls_refused(url: str) -> None:
    with pytest.raises(BadUrl) as refusal:
        check_url(url)
    assert "secret" not in str(refusal.value)
    assert len(str(refusal.value)) < 90


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com/hook?token=a%2Fb&x={y}#z",
        "HTTPS://EXAMPLE.com:443/",
        "http://example.com./",
        "http://web:8080/hook",
        "http://my_service.internal/x",
        "http://127.0.0.1:9/kept",
        "http://[2606:4700::1111]:8443/x",
        "https://münchen.example/ü?q=ß",
        "https://xn--mnchen-3ya.example/",
        "https://пример.испытание/",
        "http://example.com/" + "a" * 2029,
        "http://example.com/a@b",
        "http://1and1.com/",
    ],
    ids=lambda url: ascii(url)[:40],
)
def test_urls_accepted_unchanged(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("spelling", "address"),
    [
        ("2130706433", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0X7F000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("::FFFF:127.0.0.1", "::ffff:127.0.0.1"),
        ("example.com", None),
        ("localhost", None),
        ("0xg", None),
        ("1and1.com", None),
    ],
)
def test_literal_address_reads_every_spelling(spelling: str, address: str | None) -> None:
    found = literal_address(spelling)
    assert found in (address, "::ffff:7f00:1" if address == "::ffff:127.0.0.1" else address)


def test_digits_of_other_scripts_are_read_too() -> None:
    assert host_of("http://１２７。０。０。１/") == "127.0.0.1"
    with pytest.raises(BadUrl, match="loopback"):
        USUAL.judge_literal("http://①②⑦.0.0.1/")


LOOPBACK = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:0:7f00:1",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b:1:fffe::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "::ffff:0.0.0.0",
    "169.254.169.254",
    "169.254.170.2",
    "fe80::1",
    "fe80::1%eth0",
    "febf::a9fe:a9fe",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "::ffff:100.100.100.200",
    "168.63.129.16",
    "224.0.0.1",
    "ff02::1",
    "240.0.0.1",
    "255.255.255.255",
]
PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
]
PUBLIC = [
    "93.184.215.14",
    "2606:4700::1111",
    "::ffff:93.184.215.14",
    "64:ff9b::5db8:d70e",
    "2002:5db8:d70e::1",
]


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_is_for_a_server_on_loopback(address: str) -> None:
    assert USUAL.refusal(address) == "a loopback address"
    assert LOCAL.refusal(address) is None


@pytest.mark.parametrize("address", NEVER)
def test_never(address: str) -> None:
    for policy in (STRICT, USUAL, LOCAL):
        assert policy.refusal(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_networks_by_setting(address: str) -> None:
    assert STRICT.refusal(address) == "a private address"
    assert USUAL.refusal(address) is None


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert STRICT.refusal(address) is None


@pytest.mark.parametrize("address", ["0x7f.1", "127.1", "010.0.0.1", "localhost", "", "1.2.3.4 ", "１.1.1.1"])
def test_only_one_spelling_may_be_connected_to(address: str) -> None:
    assert LOCAL.refusal(address) == "an address in an unusual spelling"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://0x7f.1/",
        "http://[::ffff:7f00:1]/",
        "http://localhost:80/",
        "http://x.LOCALHOST./",
    ],
)
def test_judge_literal_refuses_loopback(url: str) -> None:
    with pytest.raises(BadUrl, match="a loopback address, which this server does not call"):
        USUAL.judge_literal(url)
    LOCAL.judge_literal(url)


def test_judge_literal_leaves_names_to_the_connection() -> None:
    STRICT.judge_literal("http://metadata.example/")
