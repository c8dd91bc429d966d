#!/bin/sh
# Whether machines can be made here: the calls of hold.sh, boot.sh and machine.ts that a kernel, or whoever guards it, may refuse, in
# namespaces that end with this. Says on stderr what was refused. The control group that it makes is removed.
set -eu
command -v unshare > /dev/null || { echo 'there is no unshare' >&2; exit 1; }
exec unshare --mount --net sh -euc '
  folder=/mnt
  mount -t tmpfs tmpfs "$folder"
  mkdir "$folder/groups" "$folder/layer"
  mount -t cgroup2 cgroup2 "$folder/groups"
  group=$folder/groups/probe-$$
  mkdir "$group"
  trap "rmdir $group" EXIT
  # Whoever is in there has ended when it is removed.
  sh -c "echo 0 > $group/cgroup.procs"
  mount -t tmpfs tmpfs "$folder/layer"
  mkdir "$folder/layer/upper" "$folder/layer/work" "$folder/layer/root"
  if command -v ip > /dev/null; then
    ip link set lo up
    ip link add probe0 type veth peer name probe1
  fi
  unshare --mount --pid --fork --uts --ipc --kill-child sh -euc "
    cd $folder/layer
    mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
    mount -t proc proc root/proc
    mount -t sysfs -o ro sysfs root/sys
    mount --bind root/proc/sys root/proc/sys
    mount -o remount,bind,ro root/proc/sys
    mount -t tmpfs tmpfs root/dev
    mkdir root/dev/pts
    touch root/dev/null
    mount --bind /dev/null root/dev/null
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts root/dev/pts
    hostname probe
    cd root
    pivot_root . mnt
    umount -l /mnt
    exec unshare --cgroup mount -t cgroup2 cgroup2 /sys/fs/cgroup"
'
