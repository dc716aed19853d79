# Sourced by ./cluster: finding and ending the processes of one private Slurm. Controller and node
# daemon are links to programs with another name (slurmctld-wlm), so neither pidof nor a bare name
# finds them, and other Slurms of this machine must stay alone: program *and* state directory count.

pids() { # NAME...: those that belong to $dir, whatever a pid file says
  local name link pid file mark
  for name in "$@"; do
    case $name in
      slurmstepd) file=environ mark=SLURM_CONF=$dir/slurm.conf ;;
      munged) file=cmdline mark=--key-file=$dir/munge.key ;;
      *) file=cmdline mark=$dir/slurm.conf ;;
    esac
    for link in $(find /proc/[0-9]*/exe -maxdepth 0 \( -lname "*/$name" -o -lname "*/$name-*" \) 2>/dev/null); do
      pid=${link#/proc/} pid=${pid%/exe}
      tr '\0' '\n' 2>/dev/null <"/proc/$pid/$file" | grep -qxF -- "$mark" && echo "$pid"
    done
  done
}

end() { # NAME: TERM, wait up to 5 s, then KILL
  local list i
  list=$(pids "$@")
  [ -z "$list" ] && return
  kill $list 2>/dev/null
  for ((i = 0; i < 50; i++)); do
    list=$(pids "$@")
    [ -z "$list" ] && return
    sleep 0.1
  done
  kill -KILL $list 2>/dev/null
  sleep 0.2
}

end_all() { local name; for name in slurmstepd slurmd slurmctld munged; do end $name; done; }

end_jobs() { # through the controller: ending slurmd leaves running steps alive
  local left i
  export SLURM_CONF=$dir/slurm.conf
  [ -n "$(pids slurmstepd)" ] || return
  answers || (controller) >/dev/null 2>&1
  for ((i = 0; i < 100; i++)); do
    left=$(squeue -h -t R,CG,S -o %A 2>/dev/null | sort -u)
    [ -z "$left" ] && return
    ((i == 0)) && { scancel --quiet --signal=KILL --full $left; scancel --quiet $left; }
    sleep 0.1
  done
}

daemon() { # start a program without the caller's open files: an inherited lock would stay locked
  (
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      [ "$fd" -gt 2 ] && eval "exec $fd>&-"
    done
    exec "$@" </dev/null >>"$dir/log/start.log" 2>&1
  )
}
