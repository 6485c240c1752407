"""Runs the expressions that a test sends, one a line, and answers each with a line of JSON."""

import json
import sys
import time
import traceback

import proj
from celery.result import AsyncResult
from proj import *  # noqa: F403


def raised(error):
    kind = type(error)
    text = "".join(traceback.format_exception(error))
    return {"type": kind.__name__, "module": kind.__module__, "args": [str(arg) for arg in error.args], "text": text}


for line in sys.stdin:
    try:
        answer = {"value": eval(json.loads(line))}
        text = json.dumps(answer)
    except Exception as error:
        text = json.dumps({"raised": raised(error)})
    print(text, flush=True)
