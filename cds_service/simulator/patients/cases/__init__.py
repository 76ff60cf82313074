"""Hold the case histories: one module for each patient or pair, and their display order here."""

from cds_service.simulator.patients.cases import (
    childhood,
    conflicts,
    diabetes,
    heart_failure,
    kidney,
    lungs,
    messy,
    oncology,
    pregnancy,
    pressure,
    preventive,
    restricted,
    sparse,
)

CASES = {
    case.person.id: case
    for case in (
        heart_failure.CASE,
        kidney.CASE,
        pregnancy.CASE,
        childhood.CASE,
        diabetes.CASE,
        lungs.CASE,
        oncology.CASE,
        restricted.CASE,
        conflicts.CASE,
        pressure.CASE,
        preventive.CASE,
        messy.CASE,
        sparse.NEW,
        sparse.EMPTY,
    )
}
