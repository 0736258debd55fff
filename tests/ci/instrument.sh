#!/bin/sh
# The compiler of the workspace's own packages while `cargo ci coverage` runs: their code counts what is executed.
exec "$@" -Cinstrument-coverage
