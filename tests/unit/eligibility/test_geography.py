"""Where members are placed and what may be concluded from it; real tracts, ZIPs and counties."""

import time
from math import isclose
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.eligibility.places.reference import build
from services.eligibility.places.reference.tables import EDITIONS, FOLDER, LATEST
from services.eligibility.places.rules import (
    Address,
    Geography,
    Level,
    Placement,
    Reason,
    Verdict,
    VulnerabilityRule,
    vulnerable,
)

BOYLE_HEIGHTS, LAGUNA_WOODS, ORINDA_ZIP = "90033", "92637", "94563"
PRISON_TRACT = "06019007901"  # SVI says -999
NEVADA_TRACT, NEVADA_ZIP = "32003000101", "89101"
PO_BOX_ZIP = "90052"
BORDER_ZIP = "96161"  # Truckee: Nevada County and Placer County
YES, NO, UNDECIDED = True, False, None
RULE = VulnerabilityRule(tract_cut_off=0.75, zip_share=0.5)
COARSE = VulnerabilityRule(tract_cut_off=0.75, zip_share=0.5, county_cut_off=0.75)


@pytest.fixture(scope="module")
def geography() -> Geography:
    return Geography.load()


@pytest.mark.capability("B3")
@pytest.mark.parametrize(
    ("zip5", "tract", "county", "level", "county_fips", "reasons"),
    [
        pytest.param("90033", "06037203500", None, Level.TRACT, "06037", (), id="own tract"),
        pytest.param("90033", " 06037203500 ", None, Level.TRACT, "06037", (), id="padded"),
        pytest.param("90033-1204", None, None, Level.ZIP, "06037", (Reason.NO_TRACT,), id="ZIP+4"),
        pytest.param("900331204", "", "", Level.ZIP, "06037", (Reason.NO_TRACT,), id="ZIP+4 without hyphen"),
        pytest.param("90033", "6037203500", None, Level.ZIP, "06037", (Reason.TRACT_MALFORMED,), id="lost zero"),
        pytest.param("93210", PRISON_TRACT, None, Level.ZIP, "06019", (Reason.TRACT_UNRANKED,), id="tract is -999"),
        pytest.param(
            "90033", NEVADA_TRACT, None, Level.ZIP, "06037", (Reason.TRACT_NOT_IN_RELEASE,), id="tract of Nevada"
        ),
        pytest.param(
            NEVADA_ZIP, NEVADA_TRACT, None, Level.COUNTY, "32003",
            (Reason.TRACT_NOT_IN_RELEASE, Reason.ZIP_OUTSIDE_RELEASE), id="Nevada"
        ),
        pytest.param(
            "90033", "06001400100", None, Level.TRACT, "06001", (Reason.TRACT_OUTSIDE_ZIP,), id="tract of another town"
        ),
        pytest.param(
            PO_BOX_ZIP, None, None, Level.ZIP, "06037", (Reason.NO_TRACT, Reason.ZIP_WITHOUT_RESIDENTS), id="PO boxes"
        ),
        pytest.param(
            BORDER_ZIP, None, None, Level.ZIP, "06057", (Reason.NO_TRACT, Reason.ZIP_SPANS_COUNTIES), id="two counties"
        ),
        pytest.param(BORDER_ZIP, None, "06061", Level.ZIP, "06061", (Reason.NO_TRACT,), id="the other county is given"),
        pytest.param(
            "90033", None, "06001", Level.ZIP, "06037", (Reason.NO_TRACT, Reason.COUNTY_OUTSIDE_ZIP), id="wrong county"
        ),
        pytest.param(
            "99998", None, None, Level.UNKNOWN, None, (Reason.NO_TRACT, Reason.ZIP_UNKNOWN, Reason.NO_COUNTY),
            id="unknown ZIP"
        ),
        pytest.param(
            "99998", None, "06013", Level.COUNTY, "06013", (Reason.NO_TRACT, Reason.ZIP_UNKNOWN), id="county helps"
        ),
        pytest.param(
            None, None, None, Level.UNKNOWN, None, (Reason.NO_TRACT, Reason.NO_ZIP, Reason.NO_COUNTY), id="nothing"
        ),
        pytest.param(
            "PR007", None, "6013", Level.UNKNOWN, None, (Reason.NO_TRACT, Reason.NO_ZIP, Reason.NO_COUNTY), id="junk"
        ),
        pytest.param(
            "00901", None, None, Level.UNKNOWN, "72127",
            (Reason.NO_TRACT, Reason.ZIP_OUTSIDE_RELEASE, Reason.COUNTY_NOT_IN_RELEASE), id="Puerto Rico"
        ),
        pytest.param(
            "89439", None, None, Level.COUNTY, "32031", (Reason.NO_TRACT, Reason.ZIP_OUTSIDE_RELEASE),
            id="a Nevada ZIP that reaches over the line"
        ),
    ],
)  # fmt: skip
def test_an_address_is_placed_as_finely_as_it_allows(
    geography: Geography,
    zip5: str | None,
    tract: str | None,
    county: str | None,
    level: Level,
    county_fips: str | None,
    reasons: tuple[Reason, ...],
) -> None:
    """Tract before ZIP before county before unknown, and the reason why it is no finer."""
    placement = geography.place(zip5, tract, county)
    assert (placement.level, placement.county_fips, placement.reasons) == (level, county_fips, reasons)


def test_each_level_names_its_own_release_and_universe(geography: Geography) -> None:
    """A tract's and a county's percentile come from different releases and rank among different places."""
    tract, county = geography.place("90033", "06037203500"), geography.place(None, None, "06037")
    assert (tract.svi, tract.release, tract.universe) == (0.9549, "SVI 2018", "tracts of the United States")
    assert (county.release, county.universe) == ("SVI 2022", "counties of the United States")


def test_a_zip_has_no_percentile_only_a_share(geography: Geography) -> None:
    """The mean of a ZIP's percentiles is never offered; the share of residents above a cut-off is."""
    placement = geography.place(BOYLE_HEIGHTS)
    assert placement.svi is None
    assert placement.share_above(0.75) == 1.0
    assert placement.share_above(1.01) == 0.0


@pytest.mark.capability("B3")
def test_a_share_is_of_residents_not_of_tracts(geography: Geography) -> None:
    """A populous tract weighs more than a small one."""
    two = Placement(Level.ZIP, residents_by_svi=((0.9, 3000.0), (0.1, 1000.0), (0.2, 1000.0)))
    assert two.share_above(0.75) == 0.6


def test_a_tract_exactly_at_the_cut_off_counts(geography: Geography) -> None:
    """The cut-off itself is vulnerable."""
    at = Placement(Level.ZIP, residents_by_svi=((0.75, 10.0), (0.7499, 10.0)))
    assert at.share_above(0.75) == 0.5


@pytest.mark.parametrize(
    ("address", "rule", "expected"),
    [
        pytest.param(("90033", "06037203500"), RULE, Verdict(YES, Level.TRACT, 0.9549, 0.75), id="tract"),
        pytest.param((BOYLE_HEIGHTS,), RULE, Verdict(YES, Level.ZIP, 1.0, 0.5), id="ZIP"),
        pytest.param((ORINDA_ZIP,), RULE, Verdict(NO, Level.ZIP, 0.0, 0.5), id="well-off ZIP"),
        pytest.param(
            (None, None, "06037"), RULE, Verdict(UNDECIDED, Level.COUNTY, 0.8629, None), id="coarse not admitted"
        ),
        pytest.param((None, None, "06037"), COARSE, Verdict(YES, Level.COUNTY, 0.8629, 0.75), id="coarse admitted"),
        pytest.param((None, None, "06013"), COARSE, Verdict(NO, Level.COUNTY, 0.4785, 0.75), id="coarse, below"),
        pytest.param(("99998",), COARSE, Verdict(UNDECIDED, Level.UNKNOWN, None, None), id="unknown"),
        pytest.param(
            (BOYLE_HEIGHTS,), VulnerabilityRule(0.75), Verdict(UNDECIDED, Level.ZIP, 1.0, None), id="ZIP not admitted"
        ),
    ],
)
def test_a_rule_compares_like_with_like(
    geography: Geography, address: tuple[str | None, ...], rule: VulnerabilityRule, expected: Verdict
) -> None:
    """Each level has its own cut-off, and a level without one decides nothing."""
    assert vulnerable(geography.place(*address), rule) == expected


def test_a_county_would_qualify_all_of_los_angeles_where_tracts_tell_them_apart(geography: Geography) -> None:
    """The reason for tracts: Beverly Hills and Boyle Heights lie in one county of 0.86."""
    rich, poor = geography.place("90210", "06037700600"), geography.place("90033", "06037203500")
    assert rich.county_fips == poor.county_fips
    assert vulnerable(rich, RULE).vulnerable is False
    assert vulnerable(poor, RULE).vulnerable is True


def test_every_ranked_tract_can_be_placed(geography: Geography) -> None:
    """No tract of the release is lost, and the 64 that the publisher marks as missing have no percentile."""
    tracts = geography.tables.tracts
    unranked = [tract for tract, ranked in tracts.items() if ranked.svi is None]
    assert (len(tracts), len(unranked)) == (8041, 64)
    assert all(0 <= ranked.svi <= 1 for ranked in tracts.values() if ranked.svi is not None)
    assert all(geography.place(None, tract).level is not Level.TRACT for tract in unranked)


@pytest.mark.capability("B3")
def test_every_resident_of_california_is_counted_once(geography: Geography) -> None:
    """The people of a tract that several ZCTAs share are divided, not repeated."""
    spread = sum(part.residents or 0.0 for parts in geography.tables.zctas.values() for part in parts)
    mapped = {part.tract for parts in geography.tables.zctas.values() for part in parts if part.residents is not None}
    people = sum(geography.tables.tracts[tract].population for tract in mapped)
    assert isclose(spread, people, rel_tol=1e-4)
    assert len(mapped) > 8030


def test_the_percentiles_rank_among_the_whole_country(geography: Geography) -> None:
    """A California ranking would have its median at 0.5; this one has it at 0.61, as SOURCES.md says."""
    ranks = sorted(ranked.svi for ranked in geography.tables.tracts.values() if ranked.svi is not None)
    assert ranks[len(ranks) // 2] == pytest.approx(0.61, abs=0.005)


def test_counties_have_five_digits(geography: Geography) -> None:
    """The zeros that the 2022 file lost are back, so that Alameda is not a county of no state."""
    assert {len(fips) for fips in geography.tables.counties} == {5}
    assert geography.tables.counties["06001"].county == "Alameda"


def test_a_batch_is_placed_like_its_members(geography: Geography) -> None:
    """`place_many` keeps order and length, repeated addresses included."""
    addresses = [Address("90033"), Address("99998"), Address("90033"), Address(None, "06037203500")]
    assert geography.place_many(addresses) == [geography.place(*address) for address in addresses]


@given(st.text(max_size=14), st.text(max_size=14), st.text(max_size=8))
def test_no_address_is_a_fault(zip5: str, tract: str, county: str) -> None:
    """Whatever a feed sends gives a placement with a reason, never an exception."""
    placement = Geography.load().place(zip5, tract, county)
    assert placement.reasons or placement.level is Level.TRACT


def test_a_missing_percentile_is_empty_and_a_county_keeps_its_zero() -> None:
    """The publisher's -999 and lost zeros are mended when the tables are made, not by every reader."""
    row = {"FIPS": "6001", "ST_ABBR": "CA", "COUNTY": "Alameda County", "E_TOTPOP": "10.0", "E_AGE65": "3"}
    ranks = dict.fromkeys(build.RANKS, "-999.0") | {"RPL_THEME4": "0.0270", "RPL_THEME3": "1"}
    assert list(build.counties([row | ranks])) == [("06001", "CA", "Alameda", "10", "3", "", "", "", "1", "0.027")]


def test_a_tract_is_divided_among_its_zctas_and_strangers_are_listed_without_people() -> None:
    """A tract of two ZCTAs gives each a half; one beyond the line shows that something is unknown there."""
    svi = [{"FIPS": "06037137000", "E_TOTPOP": "100", "E_AGE65": "30"}]
    pairs = [("90001", "06037930401"), ("90002", "06037137000"), ("90002", NEVADA_TRACT), ("89101", NEVADA_TRACT)]
    rows = [{"zcta": zcta, "tract": tract} for zcta, tract in pairs]
    assert list(build.zcta_tracts(rows, svi)) == [
        ("90001", "06037137000", "50.0", "15.0"),
        ("90002", "06037137000", "50.0", "15.0"),
        ("90002", NEVADA_TRACT, "", ""),
    ]


def test_a_zip_of_boxes_takes_the_area_around_it() -> None:
    """The nearest ZIP that is an area; degrees of longitude are shorter than those of latitude."""
    points = [
        {"zip_code": "90001", "lat": "34.0", "long": "-118.00"},
        {"zip_code": "90002", "lat": "34.1", "long": "-118.12"},
        {"zip_code": "90003", "lat": "34.0", "long": "-118.11"},
        {"zip_code": "90004", "lat": "", "long": ""},
    ]
    assert list(build.zip_zcta(points, {"90001", "90002"})) == [("90003", "90001")]


def test_a_source_of_another_size_is_refused(tmp_path: Path) -> None:
    """A new release of a source needs a look before it is taken."""
    source = tmp_path / "svi.csv"
    source.write_text("FIPS\n06001\n")
    with pytest.raises(build.SourceChangedError, match="1 rows, expected 8041"):
        build.read(source, "svi_tracts")


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    """A table made again differs only if its source did, so that a commit shows it."""
    for name in ("one.gz", "other.gz"):
        build.write(tmp_path / name, ("zip", "zcta"), [("90033", "90033")])
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "other.gz").read_bytes()
    assert (tmp_path / "one.gz").read_bytes()[4:8] == bytes(4), "gzip keeps the time of writing there"


def test_an_unknown_edition_names_those_that_exist() -> None:
    """A wrong setting is told what would be right."""
    with pytest.raises(ValueError, match=LATEST):
        Geography.load("SVI 1996")


def test_the_tables_load_quickly() -> None:
    """A service starts, and a command answers, without waiting for them: 0.3 s of processor time at most."""

    def seconds() -> float:
        began = time.process_time()
        geography = Geography(EDITIONS[LATEST])
        geography.place("90033")
        geography.place(None, None, "06037")
        return time.process_time() - began

    assert min(seconds() for _ in range(3)) < 0.3


def test_the_bundle_stays_small() -> None:
    """All tables together are under 1.5 MB."""
    assert sum(path.stat().st_size for path in FOLDER.glob("*.gz")) < 1_500_000
