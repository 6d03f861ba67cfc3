# The sync benches on asyncio or uvloop, line by line as coreactor.js: loop.py asyncio|uvloop VERB ARGUMENTS.
import asyncio
import gc
import os
import sys
import time
import tracemalloc

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tasks"))
from measure import end, main, must_alternate, must_go, print_result


async def using_all():
    queues = [asyncio.Queue(), asyncio.LifoQueue(), asyncio.PriorityQueue()]
    event = asyncio.Event()
    event.set()
    holders = [asyncio.Lock(), asyncio.Condition(), asyncio.Semaphore(2)]
    for _ in range(10_000):
        await event.wait()
        for holder in holders:
            await holder.acquire()
            holder.release()
        for queue in queues:
            await queue.put(1)
            await queue.get()


async def after_all(measure):
    await using_all()
    await measure()


async def locking():
    lock = asyncio.Lock()
    for measured in False, True:
        go = must_go(measured)
        count, begin = 0, time.process_time_ns()
        while True:
            for _ in range(10_000):
                await lock.acquire()
                count += 1
                lock.release()
            if not go():
                break
        if measured:
            print_result(count, time.process_time_ns() - begin)


async def queueing():
    queue = asyncio.Queue()
    for measured in False, True:
        go = must_go(measured)
        count, begin = 0, time.process_time_ns()
        while True:
            for _ in range(10_000):
                await queue.put(1)
                count += await queue.get()
            if not go():
                break
        if measured:
            print_result(count, time.process_time_ns() - begin)


async def handing_lock():
    lock = asyncio.Lock()
    ours = others = 0
    running = True

    async def other():
        nonlocal others
        while running:
            await lock.acquire()
            others += 1
            lock.release()

    await lock.acquire()
    held = asyncio.create_task(other())
    await asyncio.sleep(0)
    lock.release()
    for measured in False, True:
        go = must_go(measured)
        start, begin = ours, time.process_time_ns()
        while True:
            for _ in range(10_000):
                await lock.acquire()
                ours += 1
                lock.release()
            if not go():
                break
        if measured:
            print_result(2 * (ours - start), time.process_time_ns() - begin)
    must_alternate(ours, others)
    running = False
    end(held)


async def handing_queue():
    there, back = asyncio.Queue(), asyncio.Queue()

    async def other():
        while True:
            await back.put(await there.get())

    held = asyncio.create_task(other())
    for measured in False, True:
        go = must_go(measured)
        count, begin = 0, time.process_time_ns()
        while True:
            for _ in range(10_000):
                await there.put(2)
                count += await back.get()
            if not go():
                break
        if measured:
            print_result(count, time.process_time_ns() - begin)
    end(held)


async def waking(tasks):
    for measured in False, True:
        event = asyncio.Event()
        woken = 0

        async def waiter():
            nonlocal woken
            await event.wait()
            woken += 1

        held = [None] * tasks
        gc.collect()
        begin = time.process_time_ns()
        for i in range(tasks):
            held[i] = asyncio.create_task(waiter())
        await asyncio.sleep(0)
        waiting = time.process_time_ns()
        event.set()
        while woken < tasks:
            await asyncio.sleep(0)
        finished = time.process_time_ns()
        if measured:
            print_result(tasks, finished - begin, wakeNs=(finished - waiting) / tasks)
    end(held)


BATCH = 1000


async def cancelling(how, count, mode):
    queue, lock, event = asyncio.Queue(), asyncio.Lock(), asyncio.Event()
    await lock.acquire()
    waits = [queue.get, lock.acquire, event.wait]

    async def cancel(wait):
        await wait()

    async def timeout(wait):
        try:
            async with asyncio.timeout(0.001):
                await wait()
        except TimeoutError:
            pass

    body = {"cancel": cancel, "timeout": timeout}[how]

    async def some(waits_):
        for _ in range(0, waits_, BATCH):
            tasks = [asyncio.create_task(body(waits[i % len(waits)])) for i in range(BATCH)]
            await asyncio.sleep(0)
            if how == "cancel":
                for task in tasks:
                    task.cancel()
            while not all(task.done() for task in tasks):
                await asyncio.sleep(0 if how == "cancel" else 0.001)

    await some(20 * BATCH)
    gc.collect()
    before, begin = traced(mode), time.process_time_ns()
    await some(count)
    ns = time.process_time_ns() - begin
    gc.collect()
    print_result(count, ns, heapBytes=traced(mode) - before)


# The records of tracemalloc cost time: the heap is looked at in a run of its own.
def traced(mode):
    return tracemalloc.get_traced_memory()[0] if mode == "heap" else 0


main(
    {
        "lock": lambda kinds="": after_all(locking) if kinds == "all" else locking(),
        "queue": lambda kinds="": after_all(queueing) if kinds == "all" else queueing(),
        "handoff": lambda kind: handing_lock() if kind == "lock" else handing_queue(),
        "event": lambda tasks: waking(int(tasks)),
        "cancelled": lambda how, count, mode: cancelling(how, int(count), mode),
    }
)
