#!/bin/bash
# What a first boot may do: tell an inventory that the machine is there.
set -e
logger --tag register "$(hostname) runs $(photree status --json | head -c 200)"
