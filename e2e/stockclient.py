"""The stock clients, imported once, one forked process a command.

Starting `openstack` takes more than a second, nearly all of it imports. This
program imports the clients unmodified, listens on an abstract Unix socket and forks
for each connection: the child reads one line {"tool", "args", "env", "netns"}, calls the
tool's own main() with just that environment, in the network namespace "netns" if
there is one, and answers {"code", "out", "err"}. It ends when its standard input
does.
"""
import ctypes
import importlib
import importlib.metadata
import json
import os
import select
import signal
import socket
import sys
import traceback
import warnings

warnings.simplefilter("ignore")
TOOLS = {"openstack": "openstackclient.shell", "neutron": "neutronclient.shell"}
# The groups whose commands the tests run; others load as in a fresh process.
GROUPS = (
    "openstack.cli", "openstack.cli.base", "openstack.cli.extension", "openstack.common", "openstack.identity.v3",
    "openstack.network.v2", "openstack.load_balancer.v2", "openstack.key_manager.v1", "keystoneauth1.plugin",
)


def preload():
    """Import what the tools would import; what is not installed is left out."""
    mains = {}
    for tool, module in TOOLS.items():
        sys.argv = [tool]  # the tools read their name when they are imported
        try:
            mains[tool] = importlib.import_module(module).main
        except ImportError:
            continue
    for group in GROUPS:
        for ep in importlib.metadata.entry_points(group=group):
            try:
                ep.load()
            except ImportError:
                continue
    return mains


def enter(netns):
    """Move this process into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(netns, "rb") as f:
        if libc.setns(f.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
            raise OSError(ctypes.get_errno(), "setns " + netns)


def run(mains, request):
    """Run one command in this process, to its exit code."""
    os.environ.clear()
    os.environ.update(request["env"])
    tool, args = request["tool"], request["args"]
    if tool not in mains:
        print(tool, "is not installed", file=sys.stderr)
        return 127
    if request["netns"]:
        enter("/run/netns/" + request["netns"])
    sys.argv = [tool] + args
    try:
        code = mains[tool](args)
    except SystemExit as e:
        code = e.code
    except BaseException:
        traceback.print_exc()
        code = 1
    return code if isinstance(code, int) else int(code is not None)


def answer(mains, conn):
    """Serve one connection in a process of its own."""
    request = json.loads(conn.makefile("rb").readline())
    out, err = os.memfd_create("out"), os.memfd_create("err")
    for fd, std in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(fd, std)
    code = run(mains, request)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    reply = {"code": code, "out": content(out), "err": content(err)}
    conn.sendall(json.dumps(reply).encode() + b"\n")


def content(fd):
    with os.fdopen(fd, "rb") as f:
        f.seek(0)
        return f.read().decode("utf-8", "replace")


def main():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\0" + sys.argv[1])
    mains = preload()
    listener.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        conn, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            try:
                answer(mains, conn)
            finally:
                os._exit(0)
        conn.close()


if __name__ == "__main__":
    main()
