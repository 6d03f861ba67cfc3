# What the Python programs of the task and sync benches share, as measure.js does for those in JavaScript.
import asyncio
import json
import os
import sys
import time
import tracemalloc


def must_go(measured):
    end = time.process_time_ns() + (500_000_000 if measured else 200_000_000)
    left = 3

    def go():
        nonlocal left
        left -= 1
        return left > 0 or time.process_time_ns() < end

    return go


def print_result(count, ns, **more):
    print(json.dumps({"count": count, "cpuNs": ns, **more}))


def must_alternate(ours, others):
    if abs(ours - others) > 1 + ours / 100:
        raise RuntimeError(f"no hand-off: one task had it {ours} times, the other {others}")


# Without a tidy shutdown, which for a million tasks takes longer than the measurement.
def end(_held):
    sys.stdout.flush()
    os._exit(0)


# Each verb gets the arguments as they are: FILE asyncio|uvloop VERB ARGUMENTS. "heap" as the last one has memory traced.
def main(verbs):
    loop_name, verb, *args = sys.argv[1:]
    if loop_name == "uvloop":
        import uvloop

        uvloop.install()
    if args[-1:] == ["heap"]:
        tracemalloc.start()
    asyncio.run(verbs[verb](*args))
