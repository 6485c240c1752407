"""The application of the interop tests, on Python's side. Its settings come from the variable PROJ, as JSON."""

import json
import os
import time

from celery import Celery
from kombu import Exchange, Queue
from kombu.common import Broadcast

settings = json.loads(os.environ["PROJ"])
queues = settings.pop("queues", None)
broadcast = settings.pop("broadcast", None)
app = Celery("proj")
app.conf.update(settings)
if queues:
    app.conf.task_queues = [
        Queue(name, Exchange(exchange, type=kind), routing_key=key, **dict(*options))
        for name, exchange, kind, key, *options in queues
    ]
if broadcast:
    app.conf.task_queues = [*(app.conf.task_queues or []), Broadcast(broadcast)]


@app.task(name="proj.add")
def add(x, y):
    return x + y


@app.task(name="proj.echo")
def echo(*args, **kwargs):
    return [list(args), kwargs]


@app.task(name="proj.fail")
def fail():
    raise ValueError("boom", 42)


@app.task(name="proj.who")
def who():
    """Who runs it, and until when: whoever waits compares that with his own clock."""
    time.sleep(0.3)
    return ["python", time.time()]


@app.task(name="proj.hang")
def hang():
    time.sleep(120)
    return "python"


@app.task(name="proj.retry_once", bind=True)
def retry_once(self, countdown):
    if self.request.retries == 0:
        raise self.retry(countdown=countdown, exc=KeyError("k"))
    return self.request.retries


@app.task(name="proj.progress", bind=True)
def progress(self):
    self.update_state(state="PROGRESS", meta={"done": 3, "total": 10})
    time.sleep(0.7)
    return "done"


@app.task(name="proj.spawn")
def spawn(x):
    add.delay(x, x)
    return x


@app.task(name="proj.note")
def note(who, what):
    """Leaves a note in a list that the tests read."""
    app.backend.client.rpush("notes", f"{who} {what}")
