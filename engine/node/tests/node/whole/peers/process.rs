//! A peer as a process; it ends with its scope.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::super::site::{PATIENCE, root, wait_for};

/// See the module.
pub struct Process {
    child: Child,
    output: PathBuf,
}

impl Process {
    pub fn start(mut command: Command, output: &Path) -> Self {
        let file = File::create(output).expect("a file for what it prints");
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("the file")).stderr(file);
        let child =
            command.spawn().unwrap_or_else(|error| panic!("the peer is missing: {command:?}: {error}"));
        Self { child, output: output.to_owned() }
    }

    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Waits for a line that begins so, and returns the rest of it.
    #[track_caller]
    pub fn line(&mut self, beginning: &str) -> String {
        wait_for(beginning, PATIENCE, || {
            let output = self.output();
            if let Some(status) = self.child.try_wait().expect("its state") {
                panic!("the peer ended with {status}: {output}");
            }
            let mut lines = output.lines();
            lines.find_map(|line| line.strip_prefix(beginning).map(|rest| rest.trim().to_owned()))
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what the peer printed:\n{}", self.output());
        }
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A script of .ci/peers under Node.
pub fn node_script(name: &str) -> Command {
    let modules = std::env::var_os("SIGNALBOX_NODE_MODULES").map(PathBuf::from);
    let modules = modules.expect(
        "the peer is missing: SIGNALBOX_NODE_MODULES is not set; `make test` sets it after `make deps`",
    );
    let package = modules.join("smpp");
    assert!(package.exists(), "the peer is missing: no {}; `make deps` installs it", package.display());
    let mut command = Command::new("node");
    command.arg(root().join(".ci/peers").join(name)).env("SIGNALBOX_NODE_MODULES", modules);
    command
}
