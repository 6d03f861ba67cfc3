# The task benches on asyncio or uvloop, line by line as coreactor.js: loop.py asyncio|uvloop VERB ARGUMENTS.
import asyncio
import gc
import json
import os
import time
import tracemalloc

from measure import end, main, must_go, print_result


async def switching(tasks):
    switches = 0
    running = True

    async def worker():
        nonlocal switches
        while running:
            await asyncio.sleep(0)
            switches += 1

    held = [asyncio.create_task(worker()) for _ in range(1, tasks)]
    await asyncio.sleep(0)
    gc.collect()
    for measured in False, True:
        go = must_go(measured)
        start, begin = switches, time.process_time_ns()
        while True:
            for _ in range(0, 10_000, tasks):
                await asyncio.sleep(0)
                switches += 1
            if not go():
                break
        if measured:
            print_result(switches - start, time.process_time_ns() - begin)
    running = False
    end(held)


async def spawning():
    async def child():
        return 1

    for measured in False, True:
        go = must_go(measured)
        count, begin = 0, time.process_time_ns()
        while True:
            for _ in range(1000):
                count += await asyncio.create_task(child())
            if not go():
                break
        if measured:
            print_result(count, time.process_time_ns() - begin)


async def timing(kind, count):
    loop = asyncio.get_running_loop()
    for measured in False, True:
        fired = 0

        def fire():
            nonlocal fired
            fired += 1

        handles = [None] * count
        gc.collect()
        begin = time.process_time_ns()
        if kind == "expire":
            for i in range(count):
                loop.call_later((1 + i % 100) / 1000, fire)
            while fired < count:
                await asyncio.sleep(0.01)
        elif kind == "pairs":
            for i in range(count):
                loop.call_later((10_000 + i % 1000) / 1000, fire).cancel()
        else:
            delays = 1 if kind == "one" else 1000
            for i in range(count):
                handles[i] = loop.call_later((10_000 + i % delays) / 1000, fire)
            for handle in handles:
                handle.cancel()
        if measured:
            print_result(count, time.process_time_ns() - begin)
        await asyncio.sleep(0)


# The heap is measured by tracemalloc in a run of its own, since its records would count as resident memory.
async def parking(kind, count, mode):
    loop = asyncio.get_running_loop()
    gate = asyncio.Event()

    async def bare():
        await loop.create_future()

    async def sleep():
        await asyncio.sleep(3600)

    body = {"bare": bare, "gate": gate.wait, "sleep": sleep}[kind]
    held = [None] * count
    before = memory_now(mode)
    for i in range(count):
        held[i] = loop.create_task(body())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print(json.dumps({f"{mode}Bytes": (memory_now(mode) - before) / count}))
    end(held)


def memory_now(mode):
    gc.collect()
    if mode == "heap":
        return tracemalloc.get_traced_memory()[0]
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


main(
    {
        "switch": lambda tasks: switching(int(tasks)),
        "spawn": spawning,
        "timers": lambda kind, count: timing(kind, int(count)),
        "memory": lambda kind, count, mode: parking(kind, int(count), mode),
    }
)
