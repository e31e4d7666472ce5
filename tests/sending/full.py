"""The campaigns at full size: ``python -m tests.sending.full``; ``--help`` lists how many of each."""

from __future__ import annotations

import argparse
import itertools
import sys

from tests.sending.large import SIZES, Large, told
from tests.sending.simulation import Simulation
from tests.sending.test_crashes import WAYS, play, singles
from tests.sending.test_frequency import Race


def main() -> int:
    """Run C1, C2 and the races of campaigns until all is done or something fails; prints what ran."""
    parser = argparse.ArgumentParser(prog="tests.sending.full", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="seeds of the simulation")
    parser.add_argument("--seed", type=int, help="run this seed alone")
    parser.add_argument("--pairs", type=int, default=50_000, help="pairs of faults, spread evenly over all")
    parser.add_argument("--races", type=int, default=5_000, help="seeds of campaigns at the same time")
    parser.add_argument("--large", type=int, default=3, help="seeds of campaigns of up to 100,000 recipients")
    options = parser.parse_args()
    if options.seed is not None:
        Simulation(options.seed).run()
        print(f"seed {options.seed}: every promise kept")
        return 0
    alone = list(itertools.product(singles(thin=1), WAYS, (True, False)))
    for (number, fault), way, tell in alone:
        play({number: fault}, way, tell=tell)
    print(f"C1 single: {len(alone)} runs, 0 duplicates, 0 lost", flush=True)
    pairs = list(itertools.combinations(singles(thin=16), 2))
    chosen = pairs[::max(1, len(pairs) // max(1, options.pairs))]
    for number, pair in enumerate(chosen):
        play(dict(pair), WAYS[number % 3], tell=number % 2 == 0)
    print(f"C1 double: {len(chosen)} of {len(pairs)} pairs, 0 duplicates, 0 lost", flush=True)
    for seed in range(options.seeds):
        try:
            Simulation(seed).run()
        except AssertionError as error:
            print(f"seed {seed}: {error}", file=sys.stderr)
            return 1
    print(f"C2: {options.seeds} seeds, 0 duplicates, 0 lost", flush=True)
    for seed in range(options.races):
        try:
            Race(seed).run()
        except AssertionError as error:
            print(f"race {seed}: {error}", file=sys.stderr)
            return 1
    print(f"races: {options.races} seeds, the frequency cap was never passed", flush=True)
    for seed, size in itertools.product(range(options.large), SIZES):
        print(f"C6 seed {seed}: {told(Large(size, seed).run())}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
