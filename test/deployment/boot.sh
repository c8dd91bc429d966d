#!/bin/sh
# The first process of a machine that shares with this one its kernel and what is on its disk, and nothing else: it runs in
# new namespaces of mounts, processes, names, IPC and network (see machine.ts), lays a layer in memory over the disk, and
# becomes systemd.
#
#   boot.sh FOLDER PREFIX ADDRESS    FOLDER to work in, PREFIX with what is to be in /usr/local, ADDRESS the machine's own
set -eu
folder=$1 prefix=$2 address=$3

mount --make-rprivate /

# A control group of its own: to systemd it is the whole tree.
mkdir "$folder/groups"
mount -t cgroup2 cgroup2 "$folder/groups"
mkdir "$folder/groups/$(basename "$folder")"
echo 0 > "$folder/groups/$(basename "$folder")/cgroup.procs"
umount "$folder/groups"

mkdir "$folder/layer"
mount -t tmpfs -o mode=755 tmpfs "$folder/layer"
mkdir "$folder/layer/upper" "$folder/layer/work" "$folder/layer/root"
mount -t overlay -o "lowerdir=/,upperdir=$folder/layer/upper,workdir=$folder/layer/work" overlay "$folder/layer/root"
root=$folder/layer/root

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
# The kernel's settings are the other machine's.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
  touch "$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"

: > "$root/etc/fstab"
rm -f "$root/etc/machine-id"
: > "$root/etc/machine-id"
mkdir -p "$root/usr/local"
cp -a "$prefix/." "$root/usr/local/"

hostname relay
ip link set lo up
ip address add "$address/32" dev lo

cd "$root"
pivot_root . mnt
umount -l /mnt
exec unshare --cgroup sh -c '
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=basic.target --show-status=0'
