#!/usr/bin/env bash
# Run a command on a Slurm of its own: one node, this machine, gone when the command ends.
#
#   tests/slurm/cluster.sh FOLDER COMMAND…
#
# All files of Slurm's are under FOLDER (new, or empty); FOLDER/jobs is its list of the jobs, a line a job. The exit
# status is the command's, or 77 where there can be no Slurm here, and then the reason is the last line.
# The daemons listen on loopback alone: in a namespace of their own the machine's name is localhost, and /etc/slurm is
# FOLDER/etc. Whatever still runs at the end dies with that namespace.
set -euo pipefail
PATH=$PATH:/usr/sbin

main() {
    local folder
    folder=$(realpath -m "$1")
    shift
    require_slurm
    mkdir -p "$folder"/{etc,munge,state,spool,log} /etc/slurm
    configure "$folder"
    exec unshare --mount --uts --pid --fork --kill-child --mount-proc "$0" --inside "$folder" "$@"
}

require_slurm() {
    local program
    for program in munged slurmctld slurmd sbatch; do
        command -v "$program" > /dev/null || skip "$program is not installed: see the Makefile's test-slurm"
    done
    [ "$(id -u)" = 0 ] || skip "Slurm's daemons need root"
    unshare --mount --uts --pid --fork true 2> /dev/null || skip "namespaces are not allowed here"
    [ ! -e /etc/slurm/slurm.conf ] || skip "this machine has a Slurm of its own: /etc/slurm/slurm.conf"
}

skip() {
    echo "no Slurm: $1" >&2
    exit 77
}

# Ports are asked of the system, so that two can run at once. No accounting, so squeue is what tells a job's state.
configure() {
    local folder=$1 ports
    ports=$(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in sockets))')
    cat > "$folder/etc/slurm.conf" <<END
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=${ports% *}
SlurmdPort=${ports#* }
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthInfo=socket=$folder/munge/socket
SlurmUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/slurmd
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MinJobAge=3600
NodeName=localhost NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000
PartitionName=test Nodes=localhost Default=YES MaxTime=INFINITE
END
}

inside() {
    local folder=$1 status=0
    shift
    mount --bind "$folder/etc" /etc/slurm
    hostname localhost
    head -c 64 /dev/urandom > "$folder/munge/key"
    chmod 600 "$folder/munge/key"
    # --force: a folder of pytest's is for root's eyes only, which munged holds against it
    munged --force --key-file "$folder/munge/key" --socket "$folder/munge/socket" --pid-file "$folder/munge/pid" \
        --seed-file "$folder/munge/seed" --log-file "$folder/log/munged"
    slurmctld
    slurmd -N localhost
    await_node || { tail -n 20 "$folder"/log/* >&2; exit 1; }
    "$@" || status=$?
    scontrol --oneliner show jobs > "$folder/jobs"
    exit "$status"
}

await_node() {
    for _ in $(seq 100); do
        [ "$(sinfo --noheader --format %T 2> /dev/null)" = idle ] && return
        sleep 0.1
    done
    return 1
}

if [ "${1-}" = --inside ]; then
    shift
    inside "$@"
elif [ $# -ge 2 ]; then
    main "$@"
else
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2
    exit 2
fi
