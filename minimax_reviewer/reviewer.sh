#!/bin/sh
# The command `reviewer` of an installation: starts Python without PYTHONPATH and without the current folder, so that no
# module of a reviewed project is run in place of ours, not even a sitecustomize.py. See launcher.py.
self=$0
case $self in */*) ;; *) self=$(command -v -- "$self") ;; esac
while [ -L "$self" ]; do # pipx and uv put links on the PATH
    link=$(readlink "$self")
    case $link in /*) self=$link ;; *) self=${self%/*}/$link ;; esac
done
folder=${self%/*}
start='from minimax_reviewer.launcher import main; raise SystemExit(main())' # `-m` would load more
# Which Python it was installed into stands in the first line of the other command; in an environment it lies beside.
line=
[ -r "$folder/minimax-reviewer" ] && IFS= read -r line <"$folder/minimax-reviewer"
for python in "${line#\#!}" "$folder/python3" "$folder/python" python3; do
    case $python in
        *python*) command -v -- "$python" >/dev/null && exec "$python" -E -P -c "$start" "$@" ;;
    esac
done
echo "reviewer: the Python that it was installed with is gone. Install it anew." >&2
exit 127
