#!/bin/sh
# What a machine has while it is off: its disk (a layer in memory over that of this machine) and its network card. Runs in new
# namespaces of mounts and network (see machine.ts), in which boot.sh then boots it, as often as it is to be.
#
#   hold.sh FOLDER ADDRESS    FOLDER to work in, ADDRESS the machine's own
set -eu
folder=$1 address=$2

mkdir "$folder/layer"
mount -t tmpfs -o mode=755 tmpfs "$folder/layer"
mkdir "$folder/layer/upper" "$folder/layer/work" "$folder/layer/root"
ip link set lo up
ip address add "$address/32" dev lo
echo held
exec sleep infinity
