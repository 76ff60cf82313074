"""A site file says everything about one EHR tenant; a mistake in it stops the start with one sentence."""

import pytest

from cds_service.domain.errors import Misconfigured, UnknownSite
from cds_service.sites import load_site, load_sites

SERVICES = frozenset({"patient-view-brief", "appointment-book-brief"})
GOOD = """
title = "General Hospital"
vendor = "generic-r4"
services = ["patient-view-brief"]

[fhir]
base_url = "https://fhir.example.org/r4"

[[trust]]
iss = "https://ehr.example.org"
jwks_url = "https://ehr.example.org/jwks.json"
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def load(folder):
    """Write a site file and load it."""

    def written(text=GOOD, *, name="general", demo=False):
        file = folder / f"{name}.toml"
        file.write_text(text, encoding="utf-8")
        return load_site(file, services=SERVICES, demo=demo)

    return written


@pytest.fixture
def refused(load):
    """Load what must not load; return the sentence."""

    def sentence(text=GOOD, **how):
        with pytest.raises(Misconfigured) as stop:
            load(text, **how)
        assert stop.value.__cause__ is None
        said = stop.value.detail
        assert said.startswith(f"{how.get('name', 'general')}.toml: ")
        assert "\n" not in said
        assert said.endswith((".", "?"))
        return said

    return sentence


def put(text, *, before="[fhir]"):
    return GOOD.replace(before, f"{text}\n\n{before}")


def test_the_shortest_file_has_the_defaults_of_the_contract(load):
    site = load()
    assert (site.name, site.file.mode, site.file.environment) == ("general", "live", "production")
    assert (site.file.hook_budget_ms, site.file.discovery_auth) == (450, False)
    assert (site.file.trust[0].replay, site.file.write.route) == ("strict", "none")
    assert (str(site.zone), site.profile.title) == ("UTC", "Generic FHIR R4")


NEAREST = {
    'titel = "x"': "title",
    "hook_budget = 300": "hook_budget_ms",
    "discovery = true": "discovery_auth",
    "[netwrok]\nallow = []": "network",
    "[network]\nalow = []": "allow",
    "[agent]\nenable = true": "enabled",
    '[smart]\nclient_id = "x"\nscope = ["launch"]': "scopes",
    '[backend]\nclient = "x"': "client_id",
    "[policy]\nreads_per_sec = 1": "reads_per_second",
    '[policy.sensitive]\nhvi = "hide"': "hiv",
    '[policy.codes]\nsubstance = ["a|b"]': "substance_use",
    '[cors]\norigin = ["https://a.example"]': "origins",
    '[write]\nroutes = "fhir"': "route",
    "[prepare]\nlook_ahead = 2": "look_ahead_days",
}


@pytest.mark.parametrize("line", NEAREST)
def test_an_unknown_key_names_the_nearest_one(refused, line):
    said = refused(put(line))
    assert f"unknown key; did you mean {NEAREST[line]!r}?" in said


@pytest.mark.parametrize(("wrong", "right"), [("jwks_uri", "jwks_url"), ("alg", "algorithms")])
def test_an_unknown_key_of_a_trust_names_the_nearest_one(refused, wrong, right):
    said = refused(GOOD + f'{wrong} = "x"\n')
    assert said.startswith(f"general.toml: trust.0.{wrong}: unknown key")
    assert right in said or wrong == "alg"


def test_a_key_like_no_other_is_unknown_all_the_same(refused):
    assert refused(put("zzzzqqqq = 1")) == "general.toml: zzzzqqqq: unknown key."


SECRET = "s3cr3t-Value-in-the-file"


@pytest.mark.parametrize(
    "table",
    [
        f'[smart]\nclient_id = "x"\nsecret = "{SECRET}"',
        f'[network]\nclient_cert = "{SECRET}"',
        f'[smart]\nclient_id = "x"\nsecret = ["{SECRET}"]',
        f'[backend]\nclient_id = "x"\nsecret = "{SECRET}"',
        f'password = "{SECRET}"',
    ],
)
def test_a_secret_is_never_written_in_a_site_file_nor_shown(refused, table):
    said = refused(put(table))
    assert SECRET not in said


@pytest.mark.parametrize(
    "line",
    [
        'title = "-----BEGIN PRIVATE KEY-----"',
        'title = "eyJhbGciOiJub25l.eyJpc3MiOiJ4In0.x"',
        '[smart]\nclient_id = "x"\nclient_secret = "hunter2"',
        '[backend]\nclient_id = "x"\nprivate_key = "hunter2"',
        '[backend]\nclient_id = "{ \\"kty\\": \\"EC\\", \\"d\\": \\"x\\" }"',
        '[vendor_overrides.oauth.discovery_headers]\nApi-Key = "hunter2"',
        '[backend]\nclient_id = "x"\nscopes = ["Bearer abc.def"]',
    ],
)
def test_a_pasted_secret_is_refused_with_the_right_form_wherever_it_stands(refused, line):
    text = GOOD.replace('title = "General Hospital"\n', "") if line.startswith("title") else GOOD
    said = refused(text.replace("[fhir]", f"{line}\n\n[fhir]"))
    assert "env:NAME" in said
    assert "file:PATH" in said
    assert "hunter2" not in said
    assert "BEGIN" not in said


def test_the_sentence_about_a_secret_says_how_to_refer_to_one(refused, load):
    assert "env:NAME" in refused(put(f'[smart]\nclient_id = "x"\nsecret = "{SECRET}"'))
    assert load(put('[smart]\nclient_id = "x"\nsecret = "env:SMART_SECRET"'))
    assert load(put('[network]\nclient_cert = "file:/etc/cds/client.pem"'))


@pytest.mark.parametrize("value", ["10.20.0.1/16", "10.20", "0.0.0.0/0", "::/0", "fhir.lan", 7])
def test_a_range_is_one_that_an_ehr_can_have(refused, value):
    said = refused(put(f"[network]\nallow = [{value!r}]"))
    assert said.startswith("general.toml: network.allow")
    assert "10.20.0.0/16" in said


def test_every_server_that_is_called_speaks_https_in_production(refused, load):
    plain = put('[network]\nservers = ["http://auth.example.org"]')
    assert "network.servers" in refused(plain)
    assert load(plain, demo=True)


WRONG = {
    'vendor = "epik"': ("vendor", "epic"),
    "services = []": None,
    'services = ["patient-view"]': ("services", "patient-view-brief"),
    'mode = "on"': ("mode", "live"),
    'environment = "prod"': ("environment", "production"),
    'timezone = "America/Nowhere"': ("timezone", "America/Nowhere"),
    'timezone = "../../etc/passwd"': ("timezone",),
    "hook_budget_ms = 10": ("hook_budget_ms", "50"),
    "hook_budget_ms = 60000": ("hook_budget_ms", "10000"),
    'hook_budget_ms = "fast"': ("hook_budget_ms",),
    "title = 7": ("title", "string"),
    'discovery_auth = "maybe"': ("discovery_auth",),
    "[policy]\nconcurrent_reads = 0": ("policy.concurrent_reads",),
    "[policy]\nreads_per_second = 0": ("policy.reads_per_second",),
}


@pytest.mark.parametrize("line", [line for line in WRONG if WRONG[line]])
def test_a_wrong_value_is_named_with_what_may_stand_there(refused, line):
    key = line.partition(" =")[0]
    text = "\n".join(old for old in GOOD.split("\n") if not old.startswith(f"{key} "))
    said = refused(text.replace("[fhir]", f"{line}\n\n[fhir]"))
    assert all(word in said for word in WRONG[line])


@pytest.mark.parametrize("missing", ["title", "vendor", "services", "iss", "base_url"])
def test_a_required_key_that_is_missing_is_named(refused, missing):
    text = "\n".join(line for line in GOOD.split("\n") if not line.startswith(f"{missing} ="))
    said = refused(text)
    assert missing in said
    assert "required" in said.lower()


def test_a_required_table_that_is_missing_is_named(refused):
    assert "fhir" in refused(GOOD.replace('[fhir]\nbase_url = "https://fhir.example.org/r4"', ""))
    assert "trust" in refused(GOOD.partition("[[trust]]")[0])


@pytest.mark.parametrize(
    "url",
    [
        "fhir.example.org/r4",
        "ftp://fhir.example.org/r4",
        "https://",
        "https://user:word@fhir.example.org/r4",
        "https://fhir.example.org/r4?x=1",
        "https://fhir.example.org/r4#x",
        "javascript:alert(1)",
        "",
    ],
)
def test_an_address_is_absolute_and_holds_nothing_but_the_address(refused, url):
    for old in ("https://fhir.example.org/r4", "https://ehr.example.org/jwks.json"):
        assert "word" not in refused(GOOD.replace(old, url)).partition("without")[0]


def test_a_trailing_slash_of_an_address_is_forgiven(load):
    assert load(GOOD.replace("/r4", "/r4/")).file.fhir.base_url == "https://fhir.example.org/r4"


def test_a_key_set_is_an_address_or_a_file_and_not_both(refused, load):
    address = 'jwks_url = "https://ehr.example.org/jwks.json"'
    assert "exactly one of" in refused(GOOD.replace(address, ""))
    assert "exactly one of" in refused(GOOD + '\njwks_file = "jwks.json"\n')
    assert load(GOOD.replace(address, 'jwks_file = "jwks.json"'))


@pytest.mark.spec("S-15", "S-16")
@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS384", "EdDSA", "es384", ""])
def test_an_algorithm_that_proves_nothing_cannot_be_listed(refused, algorithm):
    assert "algorithms" in refused(GOOD + f'algorithms = ["{algorithm}"]\n')


@pytest.mark.spec("T-1")
@pytest.mark.parametrize("url", ["https://fhir.example.org", "https://ehr.example.org/jwks"])
def test_http_is_refused_in_production_and_taken_in_the_demo(refused, load, url):
    text = GOOD.replace(url, url.replace("https", "http"))
    assert "https://" in refused(text)
    assert load(text, demo=True)


@pytest.mark.spec("S-28")
@pytest.mark.parametrize("replay", ["window:0", "window:", "window:-1", "windows:30", "never", ""])
def test_a_replay_policy_that_does_not_exist_is_refused(refused, replay):
    assert "strict" in refused(GOOD + f'replay = "{replay}"\n')


def test_replay_may_be_off_at_a_test_site_only(refused, load):
    off = GOOD + 'replay = "off"\n'
    assert 'environment = "test"' in refused(off)
    assert load(off.replace("services", 'environment = "test"\nservices'))
    assert load(GOOD + 'replay = "window:30"\n')


def test_an_issuer_stands_in_a_file_once(refused):
    again = '\n[[trust]]\niss = "https://ehr.example.org"\njwks_file = "other.json"\n'
    assert "twice" in refused(GOOD + again)


@pytest.mark.parametrize("name", ["General", "gen eral", "a.b", "-a", "a_b", "a" * 64, "ä"])
def test_a_site_is_named_as_it_stands_in_its_address(refused, name):
    assert "lower-case letters" in refused(name=name)


@pytest.mark.parametrize("name", ["a", "9", "north-2", "a" * 63])
def test_a_good_name_is_the_name_of_the_file(load, name):
    assert load(name=name).name == name


@pytest.mark.parametrize("content", [b"title = ", b"\xff\xfe", b"= 1", b"a = 1\na = 2"])
def test_a_file_that_is_no_toml_says_so(folder, content):
    (folder / "general.toml").write_bytes(content)
    with pytest.raises(Misconfigured, match=r"^general\.toml: not TOML: "):
        load_sites(folder, services=SERVICES)


# The folder


def test_a_folder_without_site_files_is_no_service(folder):
    for empty in (folder, folder / "missing"):
        with pytest.raises(Misconfigured, match="CDS_SITES"):
            load_sites(empty, services=SERVICES)


def test_an_unknown_site_is_not_found(folder):
    (folder / "general.toml").write_text(GOOD, encoding="utf-8")
    sites = load_sites(folder, services=SERVICES)
    assert sites.find("general").name == "general"
    with pytest.raises(UnknownSite):
        sites.find("other")


OTHER_EHR = GOOD.replace("fhir.example.org", "fhir.other.example")


def both(folder, one, other):
    (folder / "one.toml").write_text(one, encoding="utf-8")
    (folder / "other.toml").write_text(other, encoding="utf-8")
    return load_sites(folder, services=SERVICES).by_name


OPEN = {
    "title": ('"General Hospital"', '"REPLACE: the name"'),
    "fhir.base_url": ('"https://fhir.example.org/r4"', '"https://REPLACE/fhir"'),
    "trust.iss": ('"https://ehr.example.org"', '"https://REPLACE"'),
    "timezone": ("[fhir]", 'timezone = "REPLACE: such as America/New_York"\n\n[fhir]'),
}
PREPARING = GOOD.replace("services", 'mode = "shadow"\nservices')


@pytest.mark.parametrize("key", OPEN)
@pytest.mark.parametrize("text", [GOOD, PREPARING])
def test_a_file_that_is_not_filled_in_is_refused_with_the_keys_that_are_open(refused, key, text):
    said = refused(text.replace(*OPEN[key]))
    assert f"still says REPLACE at {key}" in said


def test_no_site_is_live_before_it_is_filled_in(folder):
    (folder / "general.toml").write_text(GOOD.replace(*OPEN["title"]), encoding="utf-8")
    with pytest.raises(Misconfigured, match=r'general\.toml: mode is "live", and the file still'):
        load_sites(folder, services=SERVICES)


def test_a_word_that_holds_the_mark_is_a_word(load):
    assert load(GOOD.replace("General", "JOINT REPLACEMENT")).file.title


def test_sites_in_preparation_hold_nobody_up_and_serve_nobody(folder):
    """Two of them share the placeholder for an issuer: it is nobody's."""
    text = PREPARING.replace(*OPEN["trust.iss"]).replace(*OPEN["timezone"])
    both(folder, GOOD, text)
    (folder / "more.toml").write_text(text.replace("fhir.example", "more.example"), "utf-8")
    sites = load_sites(folder, services=SERVICES)
    assert list(sites.by_name) == ["one"]
    with pytest.raises(UnknownSite):
        sites.find("other")
    for name in ("other", "more"):
        assert sites.refused[name] == (
            f"{name}.toml: still says REPLACE at timezone, trust.iss: write there what the EHR has."
            " The site is not in service."
        )


@pytest.mark.spec("S-29")
@pytest.mark.parametrize(
    ("mine", "theirs"),
    [("", ""), ('tenant = "n"', ""), ("", 'tenant = "n"'), ('tenant = "n"', 'tenant = "n"')],
)
def test_two_ehrs_behind_one_issuer_need_a_tenant_each(folder, mine, theirs):
    with pytest.raises(Misconfigured, match=r"one\.toml, other\.toml: .*tenant"):
        both(folder, f"{GOOD}{mine}\n", f"{OTHER_EHR}{theirs}\n")


def test_two_ehrs_behind_one_issuer_are_told_apart_by_tenant(folder):
    assert len(both(folder, GOOD + 'tenant = "n"\n', OTHER_EHR + 'tenant = "s"\n')) == 2


def test_two_sites_of_one_ehr_may_share_its_issuer(folder):
    """A second, shadowed set of services at the same EHR: the audience tells the calls apart."""
    assert len(both(folder, GOOD, GOOD.replace("services", 'mode = "shadow"\nservices'))) == 2
