"""Runs the AWS CLI many times without loading it anew: a line of JSON in, {"args", "env"}, a line of JSON out.

Each command line runs in a process of its own, forked from this one after the modules were loaded, with the given
environment and nothing else. Loading takes most of the time of a short command.
"""

import json
import os
import sys
import tempfile
import time

before = dict(os.environ)
import awscli.clidriver  # sets variables for itself

own = {name: value for name, value in os.environ.items() if before.get(name) != value}


def child(request, out, err):
    """Becomes the command line; never returns."""
    os.environ.clear()
    os.environ.update(variable.split("=", 1) for variable in request["env"])
    os.environ.update(own)
    time.tzset()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    code = 255
    try:
        sys.argv = ["aws"] + request["args"]
        code = awscli.clidriver.main()
    except SystemExit as e:
        code = e.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


def run(request):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            child(request, out, err)
        _, status = os.waitpid(pid, 0)
        printed = []
        for f in (out, err):
            f.seek(0)
            printed.append(f.read().decode("utf-8", "surrogateescape"))
        return {"code": os.waitstatus_to_exitcode(status), "stdout": printed[0], "stderr": printed[1]}


awscli.clidriver.create_clidriver()  # loads what is loaded late; no call is made, since its threads would not be forked
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
