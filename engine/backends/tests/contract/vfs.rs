//! A SQLite VFS that remembers what was written and what was synced, and fails on demand.
//!
//! It lies over the system's VFS. From its record the files can be made as they are after a loss of power:
//! all that was synced, and of the rest any subset of sectors.
//!
//! `unsafe` has no way around here: a VFS is a table of C functions over memory that SQLite allocates. It is
//! in this file alone, and only in tests.

#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::ffi::{CString, c_char, c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

/// Octets that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// The files of a database that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Database,
    Wal,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, data: Vec<u8> },
    Resize { size: usize },
    Sync,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No room: writes of the WAL fail.
    Full,
    /// The disk does not take what was written.
    Sync,
    /// Writes fail with an input/output error.
    Write,
}

#[derive(Default)]
struct Record {
    changes: Vec<(Part, Change)>,
    failing: Option<Failure>,
}

/// What the VFS knows of one database.
#[derive(Clone, Default)]
pub struct Disk {
    record: Arc<Mutex<Record>>,
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a VFS of this name over the disk. It is never taken away: SQLite may keep a pointer to it.
    pub fn register(name: &str) -> Self {
        let disk = Self::default();
        let name = CString::new(name).unwrap();
        // SAFETY: SQLite is initialised by sqlite3_vfs_find; the new table, its name and its context are leaked,
        // so they live as long as the process. Its other functions are those of the system's VFS, which use
        // nothing of the table that they are given but mxPathname, which is copied.
        unsafe {
            let real = ffi::sqlite3_vfs_find(std::ptr::null());
            assert!(!real.is_null());
            let context = Box::into_raw(Box::new(Context { disk: disk.clone(), real }));
            let mut vfs = *real;
            vfs.zName = name.into_raw();
            vfs.pNext = std::ptr::null_mut();
            vfs.pAppData = context.cast();
            vfs.szOsFile = c_int::try_from(HEADER).unwrap() + (*real).szOsFile;
            vfs.xOpen = Some(open);
            let vfs = Box::into_raw(Box::new(vfs));
            assert_eq!(ffi::sqlite3_vfs_register(vfs, 0), ffi::SQLITE_OK);
        }
        disk
    }

    /// Lets calls fail until it is called with `None`.
    pub fn fail(&self, failure: Option<Failure>) {
        self.lock().failing = failure;
    }

    /// How many changes were recorded.
    pub fn changes(&self) -> usize {
        self.lock().changes.len()
    }

    /// Goes through the record, to make images of the files at rising points of it.
    pub fn sweep(&self) -> Sweep {
        Sweep {
            changes: self.lock().changes.clone().into(),
            gone: 0,
            durable: Default::default(),
            pending: Default::default(),
        }
    }
}

/// See [`Disk::sweep`].
pub struct Sweep {
    changes: VecDeque<(Part, Change)>,
    gone: usize,
    durable: [Vec<u8>; 2],
    pending: [Vec<Change>; 2],
}

impl Sweep {
    /// The database and the WAL after a loss of power behind the first `upto` changes. `coin` says of each
    /// sector that was written and not synced whether it is there.
    pub fn images(&mut self, upto: usize, coin: &mut dyn FnMut() -> bool) -> [Vec<u8>; 2] {
        assert!(upto >= self.gone, "points must rise");
        while self.gone < upto {
            let (part, change) = self.changes.pop_front().unwrap();
            self.gone += 1;
            let at = part as usize;
            match change {
                Change::Sync => {
                    for change in self.pending[at].drain(..) {
                        apply(&mut self.durable[at], &change, &mut || true);
                    }
                }
                change => self.pending[at].push(change),
            }
        }
        let mut images = self.durable.clone();
        for (image, pending) in images.iter_mut().zip(&self.pending) {
            for change in pending {
                apply(image, change, coin);
            }
        }
        images
    }
}

fn apply(image: &mut Vec<u8>, change: &Change, coin: &mut dyn FnMut() -> bool) {
    match change {
        Change::Resize { size } => {
            if coin() {
                image.resize(*size, 0);
            }
        }
        Change::Write { offset, data } => {
            let mut at = 0;
            while at < data.len() {
                let room = SECTOR - (offset + at) % SECTOR;
                let end = (at + room).min(data.len());
                if coin() {
                    image.resize(image.len().max(offset + end), 0);
                    image[offset + at..offset + end].copy_from_slice(&data[at..end]);
                }
                at = end;
            }
        }
        Change::Sync => {}
    }
}

struct Context {
    disk: Disk,
    real: *mut ffi::sqlite3_vfs,
}

/// An open file as SQLite allocates it; the system's own follows behind [`HEADER`] octets.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    context: *const Context,
    part: Option<Part>,
}

const HEADER: usize = size_of::<File>().next_multiple_of(16);

// SAFETY, for all functions below: SQLite calls them with a file that `open` filled, which is HEADER octets
// of `File` and behind them the file of the system's VFS, opened by it.

unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    unsafe { file.cast::<u8>().add(HEADER).cast() }
}

unsafe fn methods<'a>(file: *mut ffi::sqlite3_file) -> &'a ffi::sqlite3_io_methods {
    unsafe { &*(*real(file)).pMethods }
}

unsafe fn record<'a>(file: *mut ffi::sqlite3_file) -> (Option<Part>, MutexGuard<'a, Record>) {
    unsafe {
        let file = &*file.cast::<File>();
        (file.part, (*file.context).disk.lock())
    }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        let context: *const Context = (*vfs).pAppData.cast();
        let part = if flags & ffi::SQLITE_OPEN_MAIN_DB != 0 {
            Some(Part::Database)
        } else if flags & ffi::SQLITE_OPEN_WAL != 0 {
            Some(Part::Wal)
        } else {
            None
        };
        file.cast::<File>().write(File {
            base: ffi::sqlite3_file { pMethods: std::ptr::null() },
            context,
            part,
        });
        let beneath = (*context).real;
        let code = (*beneath).xOpen.unwrap()(beneath, name, real(file), flags, out);
        if code == ffi::SQLITE_OK {
            (*file).pMethods = &METHODS;
        }
        code
    }
}

// Version 2: shared memory, but no mapping of the file past xWrite.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    data: *const c_void,
    count: c_int,
    offset: i64,
) -> c_int {
    unsafe {
        let (part, mut record) = record(file);
        match record.failing {
            Some(Failure::Full) => return ffi::SQLITE_FULL,
            Some(Failure::Write) => return ffi::SQLITE_IOERR_WRITE,
            Some(Failure::Sync) | None => {}
        }
        if let Some(part) = part {
            let data = std::slice::from_raw_parts(data.cast::<u8>(), count as usize).to_vec();
            record.changes.push((part, Change::Write { offset: offset as usize, data }));
        }
        drop(record);
        methods(file).xWrite.unwrap()(real(file), data, count, offset)
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    unsafe {
        let (part, mut record) = record(file);
        if let Some(part) = part {
            record.changes.push((part, Change::Resize { size: size as usize }));
        }
        drop(record);
        methods(file).xTruncate.unwrap()(real(file), size)
    }
}

/// Only writes down that the file was synced: the power does not go, and the test is quick.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    let (part, mut record) = unsafe { record(file) };
    if record.failing == Some(Failure::Sync) {
        return ffi::SQLITE_IOERR_FSYNC;
    }
    if let Some(part) = part {
        record.changes.push((part, Change::Sync));
    }
    ffi::SQLITE_OK
}

macro_rules! pass_on {
    ($($name:ident = $method:ident($($argument:ident: $kind:ty),*) $(-> $answer:ty)?;)*) => {
        $(unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file, $($argument: $kind),*) $(-> $answer)? {
            unsafe { methods(file).$method.unwrap()(real(file), $($argument),*) }
        })*
    };
}

pass_on! {
    close = xClose() -> c_int;
    read = xRead(data: *mut c_void, count: c_int, offset: i64) -> c_int;
    file_size = xFileSize(size: *mut i64) -> c_int;
    lock = xLock(level: c_int) -> c_int;
    unlock = xUnlock(level: c_int) -> c_int;
    check_reserved_lock = xCheckReservedLock(answer: *mut c_int) -> c_int;
    file_control = xFileControl(operation: c_int, argument: *mut c_void) -> c_int;
    sector_size = xSectorSize() -> c_int;
    device_characteristics = xDeviceCharacteristics() -> c_int;
    shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, answer: *mut *mut c_void) -> c_int;
    shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier = xShmBarrier();
    shm_unmap = xShmUnmap(delete: c_int) -> c_int;
}
