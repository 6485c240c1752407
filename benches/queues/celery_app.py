"""The same task in Celery, and programs that publish it and call it. `cargo bench --bench redis` and `--bench rabbit` run them."""

import os
import sys
import time

from celery import Celery

url = os.environ["BENCH_URL"]
app = Celery("bench", broker=url, backend=os.environ["BENCH_RESULTS"])


@app.task(name="bench.add")
def add(x, y):
    return x + y


def publish(tasks):
    for number in range(tasks):
        add.delay(number, 1)


def publish_one_producer(tasks):
    """One producer of one connection, and nothing that waits for results: the least that Celery can do."""
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(tasks):
            add.apply_async((number, 1), producer=producer, ignore_result=True)


def call(tasks):
    for number in range(tasks):
        started = time.perf_counter()
        add.delay(number, 1).get(timeout=60)
        print(round((time.perf_counter() - started) * 1e6))


if __name__ == "__main__":
    what, tasks = sys.argv[1], int(sys.argv[2])
    if what == "call":
        call(tasks)
    else:
        wall, cpu = time.perf_counter(), time.process_time()
        {"publish": publish, "publish-one-producer": publish_one_producer}[what](tasks)
        print(time.perf_counter() - wall, (time.process_time() - cpu) * 1e6)
