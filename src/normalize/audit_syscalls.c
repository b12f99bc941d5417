#include "normalize/audit_syscalls.h"

#include <string.h>

/* From the kernel's asm/unistd_64.h, asm/unistd_32.h and asm-generic/unistd.h (Linux 6.16). */
/* clang-format off */
static const char *const x86_64_calls[] = {
    [0] = "read", "write", "open", "close", "stat", "fstat", "lstat", "poll", "lseek", "mmap",
    "mprotect", "munmap", "brk", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "ioctl",
    "pread64", "pwrite64", "readv", "writev", "access", "pipe", "select", "sched_yield", "mremap",
    "msync", "mincore", "madvise", "shmget", "shmat", "shmctl", "dup", "dup2", "pause",
    "nanosleep", "getitimer", "alarm", "setitimer", "getpid", "sendfile", "socket", "connect",
    "accept", "sendto", "recvfrom", "sendmsg", "recvmsg", "shutdown", "bind", "listen",
    "getsockname", "getpeername", "socketpair", "setsockopt", "getsockopt", "clone", "fork",
    "vfork", "execve", "exit", "wait4", "kill", "uname", "semget", "semop", "semctl", "shmdt",
    "msgget", "msgsnd", "msgrcv", "msgctl", "fcntl", "flock", "fsync", "fdatasync", "truncate",
    "ftruncate", "getdents", "getcwd", "chdir", "fchdir", "rename", "mkdir", "rmdir", "creat",
    "link", "unlink", "symlink", "readlink", "chmod", "fchmod", "chown", "fchown", "lchown",
    "umask", "gettimeofday", "getrlimit", "getrusage", "sysinfo", "times", "ptrace", "getuid",
    "syslog", "getgid", "setuid", "setgid", "geteuid", "getegid", "setpgid", "getppid", "getpgrp",
    "setsid", "setreuid", "setregid", "getgroups", "setgroups", "setresuid", "getresuid",
    "setresgid", "getresgid", "getpgid", "setfsuid", "setfsgid", "getsid", "capget", "capset",
    "rt_sigpending", "rt_sigtimedwait", "rt_sigqueueinfo", "rt_sigsuspend", "sigaltstack", "utime",
    "mknod", "uselib", "personality", "ustat", "statfs", "fstatfs", "sysfs", "getpriority",
    "setpriority", "sched_setparam", "sched_getparam", "sched_setscheduler", "sched_getscheduler",
    "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval", "mlock",
    "munlock", "mlockall", "munlockall", "vhangup", "modify_ldt", "pivot_root", "_sysctl", "prctl",
    "arch_prctl", "adjtimex", "setrlimit", "chroot", "sync", "acct", "settimeofday", "mount",
    "umount2", "swapon", "swapoff", "reboot", "sethostname", "setdomainname", "iopl", "ioperm",
    "create_module", "init_module", "delete_module", "get_kernel_syms", "query_module", "quotactl",
    "nfsservctl", "getpmsg", "putpmsg", "afs_syscall", "tuxcall", "security", "gettid",
    "readahead", "setxattr", "lsetxattr", "fsetxattr", "getxattr", "lgetxattr", "fgetxattr",
    "listxattr", "llistxattr", "flistxattr", "removexattr", "lremovexattr", "fremovexattr",
    "tkill", "time", "futex", "sched_setaffinity", "sched_getaffinity", "set_thread_area",
    "io_setup", "io_destroy", "io_getevents", "io_submit", "io_cancel", "get_thread_area",
    "lookup_dcookie", "epoll_create", "epoll_ctl_old", "epoll_wait_old", "remap_file_pages",
    "getdents64", "set_tid_address", "restart_syscall", "semtimedop", "fadvise64", "timer_create",
    "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete", "clock_settime",
    "clock_gettime", "clock_getres", "clock_nanosleep", "exit_group", "epoll_wait", "epoll_ctl",
    "tgkill", "utimes", "vserver", "mbind", "set_mempolicy", "get_mempolicy", "mq_open",
    "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr", "kexec_load",
    "waitid", "add_key", "request_key", "keyctl", "ioprio_set", "ioprio_get", "inotify_init",
    "inotify_add_watch", "inotify_rm_watch", "migrate_pages", "openat", "mkdirat", "mknodat",
    "fchownat", "futimesat", "newfstatat", "unlinkat", "renameat", "linkat", "symlinkat",
    "readlinkat", "fchmodat", "faccessat", "pselect6", "ppoll", "unshare", "set_robust_list",
    "get_robust_list", "splice", "tee", "sync_file_range", "vmsplice", "move_pages", "utimensat",
    "epoll_pwait", "signalfd", "timerfd_create", "eventfd", "fallocate", "timerfd_settime",
    "timerfd_gettime", "accept4", "signalfd4", "eventfd2", "epoll_create1", "dup3", "pipe2",
    "inotify_init1", "preadv", "pwritev", "rt_tgsigqueueinfo", "perf_event_open", "recvmmsg",
    "fanotify_init", "fanotify_mark", "prlimit64", "name_to_handle_at", "open_by_handle_at",
    "clock_adjtime", "syncfs", "sendmmsg", "setns", "getcpu", "process_vm_readv",
    "process_vm_writev", "kcmp", "finit_module", "sched_setattr", "sched_getattr", "renameat2",
    "seccomp", "getrandom", "memfd_create", "kexec_file_load", "bpf", "execveat", "userfaultfd",
    "membarrier", "mlock2", "copy_file_range", "preadv2", "pwritev2", "pkey_mprotect",
    "pkey_alloc", "pkey_free", "statx", "io_pgetevents", "rseq", [424] = "pidfd_send_signal",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "open_tree", "move_mount", "fsopen",
    "fsconfig", "fsmount", "fspick", "pidfd_open", "clone3", "close_range", "openat2",
    "pidfd_getfd", "faccessat2", "process_madvise", "epoll_pwait2", "mount_setattr", "quotactl_fd",
    "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "memfd_secret",
    "process_mrelease", "futex_waitv", "set_mempolicy_home_node", "cachestat", "fchmodat2",
    "map_shadow_stack", "futex_wake", "futex_wait", "futex_requeue", "statmount", "listmount",
    "lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules", "mseal", "setxattrat",
    "getxattrat", "listxattrat", "removexattrat", "open_tree_attr",
};

static const char *const i386_calls[] = {
    [0] = "restart_syscall", "exit", "fork", "read", "write", "open", "close", "waitpid", "creat",
    "link", "unlink", "execve", "chdir", "time", "mknod", "chmod", "lchown", "break", "oldstat",
    "lseek", "getpid", "mount", "umount", "setuid", "getuid", "stime", "ptrace", "alarm",
    "oldfstat", "pause", "utime", "stty", "gtty", "access", "nice", "ftime", "sync", "kill",
    "rename", "mkdir", "rmdir", "dup", "pipe", "times", "prof", "brk", "setgid", "getgid",
    "signal", "geteuid", "getegid", "acct", "umount2", "lock", "ioctl", "fcntl", "mpx", "setpgid",
    "ulimit", "oldolduname", "umask", "chroot", "ustat", "dup2", "getppid", "getpgrp", "setsid",
    "sigaction", "sgetmask", "ssetmask", "setreuid", "setregid", "sigsuspend", "sigpending",
    "sethostname", "setrlimit", "getrlimit", "getrusage", "gettimeofday", "settimeofday",
    "getgroups", "setgroups", "select", "symlink", "oldlstat", "readlink", "uselib", "swapon",
    "reboot", "readdir", "mmap", "munmap", "truncate", "ftruncate", "fchmod", "fchown",
    "getpriority", "setpriority", "profil", "statfs", "fstatfs", "ioperm", "socketcall", "syslog",
    "setitimer", "getitimer", "stat", "lstat", "fstat", "olduname", "iopl", "vhangup", "idle",
    "vm86old", "wait4", "swapoff", "sysinfo", "ipc", "fsync", "sigreturn", "clone",
    "setdomainname", "uname", "modify_ldt", "adjtimex", "mprotect", "sigprocmask", "create_module",
    "init_module", "delete_module", "get_kernel_syms", "quotactl", "getpgid", "fchdir", "bdflush",
    "sysfs", "personality", "afs_syscall", "setfsuid", "setfsgid", "_llseek", "getdents",
    "_newselect", "flock", "msync", "readv", "writev", "getsid", "fdatasync", "_sysctl", "mlock",
    "munlock", "mlockall", "munlockall", "sched_setparam", "sched_getparam", "sched_setscheduler",
    "sched_getscheduler", "sched_yield", "sched_get_priority_max", "sched_get_priority_min",
    "sched_rr_get_interval", "nanosleep", "mremap", "setresuid", "getresuid", "vm86",
    "query_module", "poll", "nfsservctl", "setresgid", "getresgid", "prctl", "rt_sigreturn",
    "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigtimedwait", "rt_sigqueueinfo",
    "rt_sigsuspend", "pread64", "pwrite64", "chown", "getcwd", "capget", "capset", "sigaltstack",
    "sendfile", "getpmsg", "putpmsg", "vfork", "ugetrlimit", "mmap2", "truncate64", "ftruncate64",
    "stat64", "lstat64", "fstat64", "lchown32", "getuid32", "getgid32", "geteuid32", "getegid32",
    "setreuid32", "setregid32", "getgroups32", "setgroups32", "fchown32", "setresuid32",
    "getresuid32", "setresgid32", "getresgid32", "chown32", "setuid32", "setgid32", "setfsuid32",
    "setfsgid32", "pivot_root", "mincore", "madvise", "getdents64", "fcntl64", [224] = "gettid",
    "readahead", "setxattr", "lsetxattr", "fsetxattr", "getxattr", "lgetxattr", "fgetxattr",
    "listxattr", "llistxattr", "flistxattr", "removexattr", "lremovexattr", "fremovexattr",
    "tkill", "sendfile64", "futex", "sched_setaffinity", "sched_getaffinity", "set_thread_area",
    "get_thread_area", "io_setup", "io_destroy", "io_getevents", "io_submit", "io_cancel",
    "fadvise64", [252] = "exit_group", "lookup_dcookie", "epoll_create", "epoll_ctl", "epoll_wait",
    "remap_file_pages", "set_tid_address", "timer_create", "timer_settime", "timer_gettime",
    "timer_getoverrun", "timer_delete", "clock_settime", "clock_gettime", "clock_getres",
    "clock_nanosleep", "statfs64", "fstatfs64", "tgkill", "utimes", "fadvise64_64", "vserver",
    "mbind", "get_mempolicy", "set_mempolicy", "mq_open", "mq_unlink", "mq_timedsend",
    "mq_timedreceive", "mq_notify", "mq_getsetattr", "kexec_load", "waitid", [286] = "add_key",
    "request_key", "keyctl", "ioprio_set", "ioprio_get", "inotify_init", "inotify_add_watch",
    "inotify_rm_watch", "migrate_pages", "openat", "mkdirat", "mknodat", "fchownat", "futimesat",
    "fstatat64", "unlinkat", "renameat", "linkat", "symlinkat", "readlinkat", "fchmodat",
    "faccessat", "pselect6", "ppoll", "unshare", "set_robust_list", "get_robust_list", "splice",
    "sync_file_range", "tee", "vmsplice", "move_pages", "getcpu", "epoll_pwait", "utimensat",
    "signalfd", "timerfd_create", "eventfd", "fallocate", "timerfd_settime", "timerfd_gettime",
    "signalfd4", "eventfd2", "epoll_create1", "dup3", "pipe2", "inotify_init1", "preadv",
    "pwritev", "rt_tgsigqueueinfo", "perf_event_open", "recvmmsg", "fanotify_init",
    "fanotify_mark", "prlimit64", "name_to_handle_at", "open_by_handle_at", "clock_adjtime",
    "syncfs", "sendmmsg", "setns", "process_vm_readv", "process_vm_writev", "kcmp", "finit_module",
    "sched_setattr", "sched_getattr", "renameat2", "seccomp", "getrandom", "memfd_create", "bpf",
    "execveat", "socket", "socketpair", "bind", "connect", "listen", "accept4", "getsockopt",
    "setsockopt", "getsockname", "getpeername", "sendto", "sendmsg", "recvfrom", "recvmsg",
    "shutdown", "userfaultfd", "membarrier", "mlock2", "copy_file_range", "preadv2", "pwritev2",
    "pkey_mprotect", "pkey_alloc", "pkey_free", "statx", "arch_prctl", "io_pgetevents", "rseq",
    [393] = "semget", "semctl", "shmget", "shmctl", "shmat", "shmdt", "msgget", "msgsnd", "msgrcv",
    "msgctl", "clock_gettime64", "clock_settime64", "clock_adjtime64", "clock_getres_time64",
    "clock_nanosleep_time64", "timer_gettime64", "timer_settime64", "timerfd_gettime64",
    "timerfd_settime64", "utimensat_time64", "pselect6_time64", "ppoll_time64",
    [416] = "io_pgetevents_time64", "recvmmsg_time64", "mq_timedsend_time64",
    "mq_timedreceive_time64", "semtimedop_time64", "rt_sigtimedwait_time64", "futex_time64",
    "sched_rr_get_interval_time64", "pidfd_send_signal", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick",
    "pidfd_open", "clone3", "close_range", "openat2", "pidfd_getfd", "faccessat2",
    "process_madvise", "epoll_pwait2", "mount_setattr", "quotactl_fd", "landlock_create_ruleset",
    "landlock_add_rule", "landlock_restrict_self", "memfd_secret", "process_mrelease",
    "futex_waitv", "set_mempolicy_home_node", "cachestat", "fchmodat2", "map_shadow_stack",
    "futex_wake", "futex_wait", "futex_requeue", "statmount", "listmount", "lsm_get_self_attr",
    "lsm_set_self_attr", "lsm_list_modules", "mseal", "setxattrat", "getxattrat", "listxattrat",
    "removexattrat", "open_tree_attr",
};

static const char *const aarch64_calls[] = {
    [0] = "io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents", "setxattr",
    "lsetxattr", "fsetxattr", "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr",
    "flistxattr", "removexattr", "lremovexattr", "fremovexattr", "getcwd", "lookup_dcookie",
    "eventfd2", "epoll_create1", "epoll_ctl", "epoll_pwait", "dup", "dup3", "fcntl",
    "inotify_init1", "inotify_add_watch", "inotify_rm_watch", "ioctl", "ioprio_set", "ioprio_get",
    "flock", "mknodat", "mkdirat", "unlinkat", "symlinkat", "linkat", "renameat", "umount2",
    "mount", "pivot_root", "nfsservctl", "statfs", "fstatfs", "truncate", "ftruncate", "fallocate",
    "faccessat", "chdir", "fchdir", "chroot", "fchmod", "fchmodat", "fchownat", "fchown", "openat",
    "close", "vhangup", "pipe2", "quotactl", "getdents64", "lseek", "read", "write", "readv",
    "writev", "pread64", "pwrite64", "preadv", "pwritev", "sendfile", "pselect6", "ppoll",
    "signalfd4", "vmsplice", "splice", "tee", "readlinkat", "newfstatat", "fstat", "sync", "fsync",
    "fdatasync", "sync_file_range2", "timerfd_create", "timerfd_settime", "timerfd_gettime",
    "utimensat", "acct", "capget", "capset", "personality", "exit", "exit_group", "waitid",
    "set_tid_address", "unshare", "futex", "set_robust_list", "get_robust_list", "nanosleep",
    "getitimer", "setitimer", "kexec_load", "init_module", "delete_module", "timer_create",
    "timer_gettime", "timer_getoverrun", "timer_settime", "timer_delete", "clock_settime",
    "clock_gettime", "clock_getres", "clock_nanosleep", "syslog", "ptrace", "sched_setparam",
    "sched_setscheduler", "sched_getscheduler", "sched_getparam", "sched_setaffinity",
    "sched_getaffinity", "sched_yield", "sched_get_priority_max", "sched_get_priority_min",
    "sched_rr_get_interval", "restart_syscall", "kill", "tkill", "tgkill", "sigaltstack",
    "rt_sigsuspend", "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigtimedwait",
    "rt_sigqueueinfo", "rt_sigreturn", "setpriority", "getpriority", "reboot", "setregid",
    "setgid", "setreuid", "setuid", "setresuid", "getresuid", "setresgid", "getresgid", "setfsuid",
    "setfsgid", "times", "setpgid", "getpgid", "getsid", "setsid", "getgroups", "setgroups",
    "uname", "sethostname", "setdomainname", "getrlimit", "setrlimit", "getrusage", "umask",
    "prctl", "getcpu", "gettimeofday", "settimeofday", "adjtimex", "getpid", "getppid", "getuid",
    "geteuid", "getgid", "getegid", "gettid", "sysinfo", "mq_open", "mq_unlink", "mq_timedsend",
    "mq_timedreceive", "mq_notify", "mq_getsetattr", "msgget", "msgctl", "msgrcv", "msgsnd",
    "semget", "semctl", "semtimedop", "semop", "shmget", "shmctl", "shmat", "shmdt", "socket",
    "socketpair", "bind", "listen", "accept", "connect", "getsockname", "getpeername", "sendto",
    "recvfrom", "setsockopt", "getsockopt", "shutdown", "sendmsg", "recvmsg", "readahead", "brk",
    "munmap", "mremap", "add_key", "request_key", "keyctl", "clone", "execve", "mmap", "fadvise64",
    "swapon", "swapoff", "mprotect", "msync", "mlock", "munlock", "mlockall", "munlockall",
    "mincore", "madvise", "remap_file_pages", "mbind", "get_mempolicy", "set_mempolicy",
    "migrate_pages", "move_pages", "rt_tgsigqueueinfo", "perf_event_open", "accept4", "recvmmsg",
    [260] = "wait4", "prlimit64", "fanotify_init", "fanotify_mark", "name_to_handle_at",
    "open_by_handle_at", "clock_adjtime", "syncfs", "setns", "sendmmsg", "process_vm_readv",
    "process_vm_writev", "kcmp", "finit_module", "sched_setattr", "sched_getattr", "renameat2",
    "seccomp", "getrandom", "memfd_create", "bpf", "execveat", "userfaultfd", "membarrier",
    "mlock2", "copy_file_range", "preadv2", "pwritev2", "pkey_mprotect", "pkey_alloc", "pkey_free",
    "statx", "io_pgetevents", "rseq", "kexec_file_load", [424] = "pidfd_send_signal",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "open_tree", "move_mount", "fsopen",
    "fsconfig", "fsmount", "fspick", "pidfd_open", "clone3", "close_range", "openat2",
    "pidfd_getfd", "faccessat2", "process_madvise", "epoll_pwait2", "mount_setattr", "quotactl_fd",
    "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "memfd_secret",
    "process_mrelease", "futex_waitv", "set_mempolicy_home_node", "cachestat", "fchmodat2",
    "map_shadow_stack", "futex_wake", "futex_wait", "futex_requeue", "statmount", "listmount",
    "lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules", "mseal", "setxattrat",
    "getxattrat", "listxattrat", "removexattrat", "open_tree_attr",
};
/* clang-format on */

/* Sorted by name. Columns: fd, dir, dir2, x, y. */
static const struct lg_audit_call calls[] = {
        {"accept", LG_EVENT_NETWORK_ACCEPT, LG_AUDIT_ACCEPT, 0, -1, -1, -1, -1},
        {"accept4", LG_EVENT_NETWORK_ACCEPT, LG_AUDIT_ACCEPT, 0, -1, -1, -1, -1},
        {"bind", LG_EVENT_NETWORK_BIND, LG_AUDIT_BIND, 0, -1, -1, -1, -1},
        {"bpf", LG_EVENT_BPF, LG_AUDIT_BPF, -1, -1, -1, 0, -1},
        {"chmod", LG_EVENT_FILE_MODE_CHANGE, LG_AUDIT_MODE, -1, -1, -1, -1, 1},
        {"chown", LG_EVENT_FILE_OWNER_CHANGE, LG_AUDIT_OWNER, -1, -1, -1, 1, 2},
        {"chown32", LG_EVENT_FILE_OWNER_CHANGE, LG_AUDIT_OWNER, -1, -1, -1, 1, 2},
        {"clone", LG_EVENT_PROCESS_FORK, LG_AUDIT_FORK, -1, -1, -1, 0, -1},
        {"clone3", LG_EVENT_PROCESS_FORK, LG_AUDIT_FORK, -1, -1, -1, -1, -1},
        {"connect", LG_EVENT_NETWORK_CONNECT, LG_AUDIT_CONNECT, 0, -1, -1, -1, -1},
        {"creat", LG_EVENT_FILE_CREATE, LG_AUDIT_CREATE, -1, -1, -1, -1, 1},
        {"execve", LG_EVENT_PROCESS_CREATE, LG_AUDIT_EXEC, -1, -1, -1, -1, -1},
        {"execveat", LG_EVENT_PROCESS_CREATE, LG_AUDIT_EXEC, -1, 0, -1, -1, -1},
        {"exit", LG_EVENT_PROCESS_TERMINATE, LG_AUDIT_EXIT, -1, -1, -1, 0, -1},
        {"exit_group", LG_EVENT_PROCESS_TERMINATE, LG_AUDIT_EXIT, -1, -1, -1, 0, -1},
        {"fchmod", LG_EVENT_FILE_MODE_CHANGE, LG_AUDIT_MODE, 0, -1, -1, -1, 1},
        {"fchmodat", LG_EVENT_FILE_MODE_CHANGE, LG_AUDIT_MODE, -1, 0, -1, -1, 2},
        {"fchmodat2", LG_EVENT_FILE_MODE_CHANGE, LG_AUDIT_MODE, -1, 0, -1, -1, 2},
        {"fchown", LG_EVENT_FILE_OWNER_CHANGE, LG_AUDIT_OWNER, 0, -1, -1, 1, 2},
        {"fchown32", LG_EVENT_FILE_OWNER_CHANGE, LG_AUDIT_OWNER, 0, -1, -1, 1, 2},
        {"fchownat", LG_EVENT_FILE_OWNER_CHANGE, LG_AUDIT_OWNER, -1, 0, -1, 2, 3},
        {"finit_module", LG_EVENT_KERNEL_MODULE_LOAD, LG_AUDIT_MODULE, 0, -1, -1, -1, -1},
        {"fork", LG_EVENT_PROCESS_FORK, LG_AUDIT_FORK, -1, -1, -1, -1, -1},
        {"ftruncate", LG_EVENT_FILE_WRITE, LG_AUDIT_TRUNCATE, 0, -1, -1, -1, -1},
        {"ftruncate64", LG_EVENT_FILE_WRITE, LG_AUDIT_TRUNCATE, 0, -1, -1, -1, -1},
        {"init_module", LG_EVENT_KERNEL_MODULE_LOAD, LG_AUDIT_MODULE, -1, -1, -1, -1, -1},
        {"kill", LG_EVENT_PROCESS_SIGNAL, LG_AUDIT_SIGNAL, -1, -1, -1, 0, 1},
        {"lchown", LG_EVENT_FILE_OWNER_CHANGE, LG_AUDIT_OWNER, -1, -1, -1, 1, 2},
        {"lchown32", LG_EVENT_FILE_OWNER_CHANGE, LG_AUDIT_OWNER, -1, -1, -1, 1, 2},
        {"link", LG_EVENT_FILE_LINK, LG_AUDIT_LINK, -1, -1, -1, -1, -1},
        {"linkat", LG_EVENT_FILE_LINK, LG_AUDIT_LINK, -1, 0, 2, -1, -1},
        {"listen", LG_EVENT_NETWORK_LISTEN, LG_AUDIT_LISTEN, 0, -1, -1, 1, -1},
        {"memfd_create", LG_EVENT_MEMFD_CREATE, LG_AUDIT_MEMFD, -1, -1, -1, -1, -1},
        {"mkdir", LG_EVENT_FILE_CREATE, LG_AUDIT_MAKE, -1, -1, -1, -1, 1},
        {"mkdirat", LG_EVENT_FILE_CREATE, LG_AUDIT_MAKE, -1, 0, -1, -1, 2},
        {"mknod", LG_EVENT_FILE_CREATE, LG_AUDIT_MAKE, -1, -1, -1, -1, 1},
        {"mknodat", LG_EVENT_FILE_CREATE, LG_AUDIT_MAKE, -1, 0, -1, -1, 2},
        {"mount", LG_EVENT_MOUNT, LG_AUDIT_MOUNT, -1, -1, -1, 3, -1},
        {"open", LG_EVENT_FILE_OPEN, LG_AUDIT_OPEN, -1, -1, -1, 1, 2},
        {"open_by_handle_at", LG_EVENT_FILE_OPEN, LG_AUDIT_OPEN, -1, -1, -1, 2, -1},
        {"openat", LG_EVENT_FILE_OPEN, LG_AUDIT_OPEN, -1, 0, -1, 2, 3},
        {"openat2", LG_EVENT_FILE_OPEN, LG_AUDIT_OPEN, -1, 0, -1, -1, -1},
        {"pidfd_send_signal", LG_EVENT_PROCESS_SIGNAL, LG_AUDIT_SIGNAL, 0, -1, -1, -1, 1},
        {"ptrace", LG_EVENT_PROCESS_PTRACE, LG_AUDIT_PTRACE, -1, -1, -1, 0, 1},
        {"rename", LG_EVENT_FILE_RENAME, LG_AUDIT_RENAME, -1, -1, -1, -1, -1},
        {"renameat", LG_EVENT_FILE_RENAME, LG_AUDIT_RENAME, -1, 0, 2, -1, -1},
        {"renameat2", LG_EVENT_FILE_RENAME, LG_AUDIT_RENAME, -1, 0, 2, -1, -1},
        {"rmdir", LG_EVENT_FILE_DELETE, LG_AUDIT_DELETE, -1, -1, -1, -1, -1},
        {"rt_sigqueueinfo", LG_EVENT_PROCESS_SIGNAL, LG_AUDIT_SIGNAL, -1, -1, -1, 0, 1},
        {"rt_tgsigqueueinfo", LG_EVENT_PROCESS_SIGNAL, LG_AUDIT_SIGNAL, -1, -1, -1, 0, 2},
        {"setfsgid", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETGID, -1, -1, -1, 0, -1},
        {"setfsgid32", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETGID, -1, -1, -1, 0, -1},
        {"setfsuid", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETUID, -1, -1, -1, 0, -1},
        {"setfsuid32", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETUID, -1, -1, -1, 0, -1},
        {"setgid", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETGID, -1, -1, -1, 0, -1},
        {"setgid32", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETGID, -1, -1, -1, 0, -1},
        {"setregid", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETGID, -1, -1, -1, 1, 0},
        {"setregid32", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETGID, -1, -1, -1, 1, 0},
        {"setresgid", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETGID, -1, -1, -1, 1, 0},
        {"setresgid32", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETGID, -1, -1, -1, 1, 0},
        {"setresuid", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETUID, -1, -1, -1, 1, 0},
        {"setresuid32", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETUID, -1, -1, -1, 1, 0},
        {"setreuid", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETUID, -1, -1, -1, 1, 0},
        {"setreuid32", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETUID, -1, -1, -1, 1, 0},
        {"setuid", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETUID, -1, -1, -1, 0, -1},
        {"setuid32", LG_EVENT_CREDENTIAL_CHANGE, LG_AUDIT_SETUID, -1, -1, -1, 0, -1},
        {"symlink", LG_EVENT_FILE_LINK, LG_AUDIT_SYMLINK, -1, -1, -1, -1, -1},
        {"symlinkat", LG_EVENT_FILE_LINK, LG_AUDIT_SYMLINK, -1, -1, 1, -1, -1},
        {"tgkill", LG_EVENT_PROCESS_SIGNAL, LG_AUDIT_SIGNAL, -1, -1, -1, 0, 2},
        {"tkill", LG_EVENT_PROCESS_SIGNAL, LG_AUDIT_SIGNAL, -1, -1, -1, 0, 1},
        {"truncate", LG_EVENT_FILE_WRITE, LG_AUDIT_TRUNCATE, -1, -1, -1, -1, -1},
        {"truncate64", LG_EVENT_FILE_WRITE, LG_AUDIT_TRUNCATE, -1, -1, -1, -1, -1},
        {"unlink", LG_EVENT_FILE_DELETE, LG_AUDIT_DELETE, -1, -1, -1, -1, -1},
        {"unlinkat", LG_EVENT_FILE_DELETE, LG_AUDIT_DELETE, -1, 0, -1, -1, -1},
        {"vfork", LG_EVENT_PROCESS_FORK, LG_AUDIT_FORK, -1, -1, -1, -1, -1},
};

static const struct {
    const char *name;
    const char *const *calls;
    uint32_t arch;
    uint16_t n;
} arches[] = {
#define ARCH(name, number, t)                                                                      \
    {                                                                                              \
        name, t, number, (uint16_t)(sizeof(t) / sizeof((t)[0]))                                    \
    }
        ARCH("x86_64", LG_AUDIT_ARCH_X86_64, x86_64_calls),
        ARCH("i386", LG_AUDIT_ARCH_I386, i386_calls),
        ARCH("aarch64", LG_AUDIT_ARCH_AARCH64, aarch64_calls),
        ARCH("riscv64", 0xc00000f3u, aarch64_calls), /* both use the generic table */
        {"arm", NULL, 0x40000028u, 0},
        {"ppc64le", NULL, 0xc0000015u, 0},
        {"ppc64", NULL, 0x80000015u, 0},
        {"s390x", NULL, 0x80000016u, 0},
#undef ARCH
};
#define N_ARCHES (sizeof(arches) / sizeof(arches[0]))

struct lg_str lg_audit_arch_name(uint32_t arch)
{
    for (size_t i = 0; i < N_ARCHES; i++)
        if (arches[i].arch == arch)
            return lg_str_z(arches[i].name);
    return LG_STR("");
}

uint32_t lg_audit_arch_of(struct lg_str name)
{
    for (size_t i = 0; i < N_ARCHES; i++)
        if (lg_str_eq(name, lg_str_z(arches[i].name)))
            return arches[i].arch;
    return 0;
}

struct lg_str lg_audit_syscall_name(uint32_t arch, uint64_t nr)
{
    if (arch == LG_AUDIT_ARCH_X86_64)
        nr &= ~UINT64_C(0x40000000); /* calls of the x32 ABI */
    for (size_t i = 0; i < N_ARCHES; i++)
        if (arches[i].arch == arch && nr < arches[i].n)
            return lg_str_z(arches[i].calls[nr]);
    return LG_STR("");
}

const struct lg_audit_call *lg_audit_call_find(struct lg_str name)
{
    size_t lo = 0, hi = sizeof(calls) / sizeof(calls[0]);

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int d = lg_str_cmp(name, lg_str_z(calls[mid].name));

        if (d == 0)
            return &calls[mid];
        if (d < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

struct lg_str lg_audit_socketcall_name(uint64_t number)
{
    /* From the kernel's linux/net.h, SYS_SOCKET = 1. */
    static const char *const names[] = {[1] = "socket",
            "bind",
            "connect",
            "listen",
            "accept",
            "getsockname",
            "getpeername",
            "socketpair",
            "send",
            "recv",
            "sendto",
            "recvfrom",
            "shutdown",
            "setsockopt",
            "getsockopt",
            "sendmsg",
            "recvmsg",
            "accept4",
            "recvmmsg",
            "sendmmsg"};

    if (number >= sizeof(names) / sizeof(names[0]))
        return LG_STR("");
    return lg_str_z(names[number]);
}
