//! What a worker gives up before it reads its first command: new files, sockets and processes by rlimits and, on
//! Linux, by a seccomp filter that knows what computing and one open socket need, and nothing else.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Address space of a worker in octets: a backstop behind the heaps of its scripts. It is far above what is used, for
/// allocators reserve space that they never touch.
const ADDRESS_SPACE: u64 = 8 << 30;

/// What could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// A limit of the process.
    #[error("a limit cannot be set: {0}")]
    Limit(#[from] rustix::io::Errno),
    /// The filter of system calls.
    #[error("the filter of system calls cannot be set: {0}")]
    Filter(String),
}

/// Gives up all that a script has no need of.
pub(super) fn confine() -> Result<(), ConfineError> {
    // No core: it would hold texts and numbers. No file, no descriptor, no process beyond what is open now.
    for resource in [Resource::Core, Resource::Fsize, Resource::Nofile, Resource::Nproc] {
        limit(resource, 0)?;
    }
    limit(Resource::As, ADDRESS_SPACE)?;
    filter()
}

fn limit(resource: Resource, most: u64) -> Result<(), ConfineError> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// Sets no-new-privileges and the filter. What is not in it fails with EPERM: the C library and the allocator can go
/// on where something optional is refused, and a hole in the engine finds no door.
#[cfg(target_os = "linux")]
fn filter() -> Result<(), ConfineError> {
    use std::collections::BTreeMap;

    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule, apply_filter};

    let failed = |error: &dyn std::fmt::Display| ConfineError::Filter(error.to_string());
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALWAYS.iter().map(|&number| (number, Vec::new())).collect();
    for number in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(number, vec![not_executable().map_err(|error| failed(&error))?]);
    }
    let arch = std::env::consts::ARCH.try_into().map_err(|error| failed(&error))?;
    let filter =
        SeccompFilter::new(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, arch)
            .map_err(|error| failed(&error))?;
    let program: BpfProgram = filter.try_into().map_err(|error: seccompiler::BackendError| failed(&error))?;
    apply_filter(&program).map_err(|error| failed(&error))
}

/// Memory that is written is never run.
#[cfg(target_os = "linux")]
fn not_executable() -> Result<seccompiler::SeccompRule, seccompiler::BackendError> {
    use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};
    let executable = libc::PROT_EXEC as u64;
    SeccompRule::new(vec![SeccompCondition::new(
        2,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(executable),
        0,
    )?])
}

/// Reading and writing what is open, memory, clocks, and the end.
#[cfg(target_os = "linux")]
const ALWAYS: &[i64] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_close,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getpid,
    libc::SYS_gettid,
    // abort() of the C library, on the process itself: kill and tkill are not here.
    libc::SYS_tgkill,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

#[cfg(not(target_os = "linux"))]
fn filter() -> Result<(), ConfineError> {
    Ok(())
}
