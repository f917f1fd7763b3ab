"""Benchmark: adult histories that a core forecasts in a second, with all antigens; as `./vcc forecast bench`."""

from services.eligibility.forecast.bench import Speed, measure
from services.eligibility.forecast.supporting_data import bundled
from tests.load.report import Aim, Figure, Result
from tests.load.rounds import Options

AIM = Aim("at least", 2000)


def run(options: Options) -> Result:
    count, rounds = (300, 1) if options.quick else (3000, 3)
    supporting = bundled()
    best: dict[bool, Speed] = {}
    for _ in range(rounds):
        for is_sorted in (False, True):
            speed = measure(supporting, count, sorted_roster=is_sorted)
            best[is_sorted] = max(best.get(is_sorted, speed), speed, key=lambda one: one.per_second)
    figures = [
        Figure(what, best[is_sorted].per_second, "histories/s a core", AIM, f"{best[is_sorted].doses:,} doses")
        for is_sorted, what in ((False, "random birth dates"), (True, "a roster sorted by birth date"))
    ]
    return Result("forecast", "Vaccine forecasts", figures, {"histories": count, "rounds": rounds})
