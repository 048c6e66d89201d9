"""The policy file: defaults, overrides, faults."""

from pathlib import Path

import pytest
from shequ.instances.policy import Policy, PolicyError, load_policy, render_policy


def _load(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path)


def _message(tmp_path: Path, text: str) -> str:
    with pytest.raises(PolicyError) as caught:
        _load(tmp_path, text)
    return str(caught.value)


def test_defaults_are_those_of_the_programme():
    """Without a file the thresholds of the Suzhou programme hold."""
    policy = load_policy(None)
    assert policy.split.mandatory_residents == 20_000
    assert policy.siting.floor_area_m2_per_100_households == 80
    assert policy.staff.workers_per_10000 == 18


def test_rendered_policy_reads_back(tmp_path):
    """The TOML text of a policy reads back as the same policy, whatever its values."""
    policy = Policy().with_values(
        {"siting.currency": 'a "b" 元', "split.keep_together": ["x", "y"], "solver.seed": 7}
    )
    assert _load(tmp_path, render_policy(policy)) == policy


def test_every_key_has_a_comment():
    """Each key of the rendered policy follows a comment that explains it."""
    lines = render_policy(Policy()).splitlines()
    keys = [i for i, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert len(keys) > 30
    assert all(lines[i - 1].startswith("# ") for i in keys)


def test_file_replaces_only_what_it_names(tmp_path):
    """A key in the file is replaced, all others keep their default."""
    policy = _load(tmp_path, "[siting]\nreach_minutes = 10\n")
    assert policy == Policy().with_values({"siting.reach_minutes": 10})


def test_all_faults_come_in_one_message(tmp_path):
    """Unknown sections and keys, wrong types and wrong ranges are all named at once."""
    message = _message(
        tmp_path,
        "[spilt]\na = 1\n[siting]\nreach_minuts = 3\nseconds = -3\nservices = 'abc'\n"
        "[split]\ntolerance = 'x'\n[walking]\nmode = 'bus'\n",
    )
    assert "[spilt] is not a section; did you mean split?" in message
    assert "siting.reach_minuts is not a key; did you mean siting.reach_minutes?" in message
    assert "siting.seconds = -3 should be greater than 0." in message
    assert 'siting.services = "abc" should be a list.' in message
    assert 'split.tolerance = "x" should be a valid number.' in message
    assert "walking.mode = \"bus\" should be 'network' or 'straight_line'." in message


def test_key_in_the_wrong_section_is_led_home(tmp_path):
    """A key that another section knows is suggested with that section."""
    message = _message(tmp_path, "[siting]\ntolerance = 0.1\n")
    assert "siting.tolerance is not a key; did you mean split.tolerance?" in message


def test_value_in_place_of_a_section(tmp_path):
    """A section that is not a table is refused."""
    assert "[split] must be a section with keys, not 3." in _message(tmp_path, "split = 3\n")


def test_booleans_and_fractions_are_no_counts(tmp_path):
    """True is not taken as 1, nor is a fraction rounded."""
    message = _message(tmp_path, "[split]\nmandatory_residents = true\n[solver]\nseed = 1.5\n")
    assert "split.mandatory_residents = true should be a valid integer." in message
    assert "solver.seed = 1.5 should be a valid integer." in message


def test_tiers_out_of_order(tmp_path):
    """The gradual threshold may not lie above the mandatory one."""
    message = _message(tmp_path, "[split]\ngradual_residents = 30000\n")
    assert "gradual_residents = 30000 lies above mandatory_residents = 20000" in message


@pytest.mark.parametrize(("content", "said"), [(b"[split", "is not TOML"), (b"\xff", "UTF-8")])
def test_unreadable_file(tmp_path, content, said):
    """A file that is not TOML is refused with its path."""
    path = tmp_path / "p.toml"
    path.write_bytes(content)
    with pytest.raises(PolicyError, match=said):
        load_policy(path)


def test_missing_file(tmp_path):
    """A policy file that is not there is refused with its path."""
    with pytest.raises(PolicyError, match=r"none\.toml does not exist"):
        load_policy(tmp_path / "none.toml")


def test_folder_is_called_a_folder(tmp_path):
    """A folder in the place of the policy file is called so."""
    with pytest.raises(PolicyError, match=r"is a folder; name the \.toml file in it\.$"):
        load_policy(tmp_path)


def test_services_are_those_of_the_sites_however_they_are_written(tmp_path):
    """Blanks, capitals and separators are read as in the layer of sites."""
    policy = _load(tmp_path, '[siting]\nservices = [" Library", "meals；Day  Care", "library"]\n')
    assert policy.siting.services == ("library", "meals", "day care")
    assert _load(tmp_path, render_policy(policy)) == policy


def test_blank_service_is_refused(tmp_path):
    """An empty name is no service: with it alone every site would count."""
    message = _message(tmp_path, '[siting]\nservices = ["library", " ; "]\n')
    assert 'siting.services: " ; " names no service; take it out.' in message


def test_text_overrides_are_read_as_toml():
    """Overrides from a command line are numbers, lists and words as TOML has them."""
    policy = Policy().with_values(
        {
            "siting.reach_minutes": "10",
            "walking.mode": "straight_line",
            "siting.services": '["health", "meals"]',
            "siting.currency": "100",
        }
    )
    assert policy.siting.reach_minutes == 10
    assert policy.walking.mode == "straight_line"
    assert policy.siting.services == ("health", "meals")
    assert policy.siting.currency == "100"


def test_override_without_a_section():
    """An override that lacks its section is answered with the full name."""
    with pytest.raises(PolicyError, match=r"did you mean siting\.reach_minutes\?"):
        Policy().with_values({"reach_minutes": 4})


def test_override_leaves_the_policy_as_it_was():
    """Overrides make a new policy."""
    policy = Policy()
    policy.with_values({"siting.reach_minutes": 10})
    assert policy.siting.reach_minutes == 15
