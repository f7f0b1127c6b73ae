"""Every problem of the configuration is a finding of its own."""

from pathlib import Path

from krakked_tui.doctor.configuration import configuration
from krakked_tui.doctor.findings import Status
from tests.unit.doctor.patients import healthy_home, patient


def test_all_problems_are_listed(tmp_path: Path) -> None:
    where = healthy_home(tmp_path)
    where.config_file.write_text("[risk]\nmax_open_position = 3\n[execution]\ndeadline_seconds = -1\n")
    found = list(configuration(patient(tmp_path)))
    assert [each.status for each in found] == [Status.PROBLEM, Status.PROBLEM]
    assert "max_open_positions" in found[0].detail + found[1].detail
    assert "deadline_seconds" in found[0].detail + found[1].detail
    assert str(where.config) in found[0].fix


def test_a_configuration_in_order(tmp_path: Path) -> None:
    [found] = configuration(patient(tmp_path))
    assert found.status is Status.OK
    assert "paper" in found.detail
