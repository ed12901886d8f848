"""Print a script that lets the shell complete photree's verbs, options, refs, remotes, indices
and packages.

  bash   photree completion bash > /etc/bash_completion.d/photree
  zsh    photree completion zsh > /usr/local/share/zsh/site-functions/_photree
  fish   photree completion fish > /etc/fish/completions/photree.fish

For the running shell alone: source <(photree completion bash). The script asks `photree` itself,
so it stays right when photree is upgraded.

Exit codes: 0 done, 2 an unknown shell.
"""

from __future__ import annotations

import argparse
import sys

# Bash splits words at ":" and "=", which refs and options contain: the line is split again here,
# and what stands before the last of these signs is taken off the answers.
_BASH = r"""
_photree() {
    local line=${COMP_LINE:0:COMP_POINT} words current head
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    current=${words[-1]}
    head=${current%"${current##*[:=]}"}
    mapfile -t COMPREPLY < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null | cut -f1)
    COMPREPLY=("${COMPREPLY[@]#"$head"}")
}
complete -o default -F _photree photree
"""
_ZSH = r"""
#compdef photree
_photree() {
    local line
    local -a answers values shown
    answers=("${(@f)$(photree __complete "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
    for line in $answers; do
        values+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
    done
    if (( $#values )); then
        compadd -l -d shown -a values
    else
        _files
    fi
}
if [[ $funcstack[1] == _photree ]]; then
    _photree "$@"
else
    compdef _photree photree
fi
"""
_FISH = r"""
function __photree_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -e words[1]
    set -l answers (photree __complete $words "$current" 2>/dev/null)
    if test (count $answers) -gt 0
        printf '%s\n' $answers
    else
        __fish_complete_path "$current"
    end
end
complete --command photree --no-files --arguments '(__photree_complete)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=_SCRIPTS, help="which shell's")


def run(options: argparse.Namespace) -> int:
    sys.stdout.write(_SCRIPTS[options.shell].lstrip())
    return 0
