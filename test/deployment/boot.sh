#!/bin/sh
# The first process of a machine that shares with this one its kernel and what is on its disk, and nothing else: it runs in
# the namespaces that hold.sh has made and in new ones of mounts, processes, names and IPC (see machine.ts), and becomes systemd.
#
#   boot.sh FOLDER PREFIX NAME    FOLDER to work in, PREFIX with what is to be in /usr/local, NAME the machine's own
set -eu
folder=$1 prefix=$2 name=$3

# A control group of its own: to systemd it is the whole tree.
mkdir -p "$folder/groups"
mount -t cgroup2 cgroup2 "$folder/groups"
mkdir "$folder/groups/$(basename "$folder")"
echo 0 > "$folder/groups/$(basename "$folder")/cgroup.procs"
umount "$folder/groups"

root=$folder/layer/root
mount -t overlay -o "lowerdir=/,upperdir=$folder/layer/upper,workdir=$folder/layer/work" overlay "$root"

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
# The kernel's settings are the other machine's.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"

if [ ! -e "$folder/layer/installed" ]; then
  : > "$root/etc/fstab"
  rm -f "$root/etc/machine-id"
  : > "$root/etc/machine-id"
  mkdir -p "$root/usr/local"
  cp -a "$prefix/." "$root/usr/local/"
  # Nothing comes up at a boot but what is enabled there, whatever this machine starts and a package enables when it is installed.
  rm -rf "$root"/etc/systemd/system/*.wants
  touch "$folder/layer/installed"
fi

hostname "$name"
cd "$root"
pivot_root . mnt
umount -l /mnt
exec unshare --cgroup sh -c '
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=multi-user.target --show-status=0'
