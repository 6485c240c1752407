//! Files that are no scenarios at all.

use super::support::{Dir, GOOD};
use std::fs::{self, File};
use std::process::Command;

#[test]
fn a_file_without_anything_in_it() {
    let dir = Dir::new();
    for text in ["", "\n", " \t\r\n \n", "\u{feff}"] {
        dir.write("s.toml", text);
        dir.simq(&["run", "s.toml"]).assert_bad_input("s.toml:1:1: ", &["is empty", "simq new NAME"]);
    }
    dir.write("s.toml", "# Nothing but a comment.\n");
    dir.simq(&["run", "s.toml"]).assert_bad_input("s.toml:1:1: ", &["has no workers"]);
}

#[test]
fn a_file_that_is_not_there() {
    let dir = Dir::with(GOOD);
    dir.simq(&["run", "t.toml"]).assert_bad_input("t.toml: ", &["No such file"]);
    dir.simq(&["run", "s.toml", "nowhere/"]).assert_bad_input("nowhere/: ", &["No such file"]);
    let nothing = dir.simq(&["run", ""]);
    assert!(nothing.assert_status(2).err.contains("a value is required for '<FILE|DIR>...'"));
    dir.simq(&["run", "s.toml/t.toml"]).assert_bad_input("s.toml/t.toml: ", &["Not a directory"]);
    let long = "x".repeat(3_000);
    dir.simq(&["run", &long]).assert_bad_input("xxx", &["too long"]);
}

#[test]
fn a_directory_without_scenarios() {
    let dir = Dir::new();
    fs::create_dir_all(dir.path("a/b")).expect("directories");
    dir.write("a/notes.txt", "no scenario");
    dir.simq(&["run", "a"]).assert_bad_input("a: ", &["no scenarios (*.toml)"]);
    dir.write("a/b/bad.toml", "sed = 1");
    dir.simq(&["run", "a"]).assert_bad_input("a/b/bad.toml:1:1: ", &["seed"]);
}

#[test]
fn a_file_that_is_too_large() {
    let dir = Dir::new();
    let line = format!("# {}\n", "x".repeat(1021));
    dir.write("s.toml", line.repeat(2 * 1024));
    dir.simq(&["run", "s.toml"]).assert_bad_input("s.toml:1025:1: ", &["larger than 1 MiB"]);
    dir.write("s.toml", "\u{4e2d}".repeat(1 << 20));
    dir.simq(&["run", "s.toml"]).assert_bad_input("s.toml:1:", &["larger than 1 MiB"]);
    // A file of 1 MiB and not more is read.
    dir.write("s.toml", format!("{}{GOOD}", line.repeat(1024 - 1)));
    dir.simq(&["run", "s.toml"]).assert_status(0);

    let sparse = File::create(dir.path("sparse.toml")).expect("a file");
    sparse.set_len(100 << 20).expect("a sparse file");
    dir.simq(&["run", "sparse.toml"]).assert_bad_input("sparse.toml:1:1048577: ", &["larger than 1 MiB"]);
}

#[test]
fn bytes_that_are_not_utf_8() {
    let dir = Dir::new();
    for (bytes, place) in [
        (&b"about = 'caf\xe9'\n[workers.w]\n"[..], "1:13"),
        (b"[workers.w]\n\xc3\xa9\xff", "2:2"),
        (b"\xff\xfes\0e\0e\0d\0", "1:1"),
        (b"[workers.w]\nx = '\xe4\xb8", "2:6"),
        (b"\x7fELF\x02\x01\x01\0\0\0\xf0", "1:11"),
    ] {
        dir.write("s.toml", bytes);
        dir.simq(&["run", "s.toml"]).assert_bad_input(&format!("s.toml:{place}: "), &["not UTF-8"]);
    }
    dir.write("s.toml", [0_u8; 64]);
    dir.simq(&["run", "s.toml"]).assert_bad_input("s.toml:1:", &[]);
}

#[test]
fn a_good_file_with_a_byte_order_mark_and_dos_lines_is_good() {
    let dir = Dir::with(GOOD);
    let hash = |dir: &Dir| dir.simq(&["run", "s.toml", "--format", "json"]).reports()[0]["trace_hash"].clone();
    let plain = hash(&dir);
    dir.write("s.toml", format!("\u{feff}{}", GOOD.replace('\n', "\r\n")));
    assert_eq!(hash(&dir), plain);
}

/// Nobody writes to it: a command that opened it would wait for ever.
#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_is_no_file() {
    let dir = Dir::new();
    let made = Command::new("mkfifo").arg(dir.path("s.toml")).status().expect("mkfifo runs");
    assert!(made.success());
    dir.simq(&["run", "s.toml"]).assert_bad_input("s.toml: ", &["can't be read", "no regular file"]);
    dir.simq(&["run", "."]).assert_bad_input("./s.toml: ", &["no regular file"]);
    dir.simq(&["run", "/dev/zero"]).assert_bad_input("/dev/zero: ", &["no regular file"]);
    dir.simq(&["run", "/dev/null"]).assert_bad_input("/dev/null: ", &["no regular file"]);
}

#[cfg(unix)]
#[test]
fn a_file_or_directory_that_may_not_be_read() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = Dir::with(GOOD);
    symlink("nowhere.toml", dir.path("dangling.toml")).expect("a link");
    dir.simq(&["run", "dangling.toml"]).assert_bad_input("dangling.toml: ", &["No such file"]);
    fs::remove_file(dir.path("dangling.toml")).expect("removed");
    fs::create_dir(dir.path("closed")).expect("a directory");
    for name in ["s.toml", "closed"] {
        fs::set_permissions(dir.path(name), fs::Permissions::from_mode(0o000)).expect("permissions");
    }
    if File::open(dir.path("s.toml")).is_ok() {
        eprintln!("SKIPPED in part: permissions don't bind this user");
        return;
    }
    dir.simq(&["run", "s.toml"]).assert_bad_input("s.toml: ", &["can't be read", "Permission denied"]);
    dir.simq(&["run", "closed"]).assert_bad_input("closed: ", &["Permission denied"]);
    dir.simq(&["run", "closed/s.toml"]).assert_bad_input("closed/s.toml: ", &["Permission denied"]);
}

/// Binds every user: it opens, and can't be read.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_fails_while_it_is_read() {
    let dir = Dir::new();
    dir.simq(&["run", "/proc/self/mem"]).assert_bad_input("/proc/self/mem: ", &["can't be read"]);
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end() {
    let dir = Dir::with(GOOD);
    std::os::unix::fs::symlink(".", dir.path("again")).expect("a link");
    dir.simq(&["run", "."]).assert_status(0);
    std::os::unix::fs::symlink("loop.toml", dir.path("loop.toml")).expect("a link");
    dir.simq(&["run", "loop.toml"]).assert_bad_input("loop.toml: ", &["symbolic links"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_can_not_be_written_is_no_success() {
    let dir = Dir::with(GOOD);
    for arguments in [&["run", "s.toml"][..], &["run", "s.toml", "--format", "junit"], &["config"], &["schema"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a device that is always full");
        let output = dir.command(arguments).stdout(full).output().expect("simq runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("the output can't be written: No space left on device"), "{arguments:?}: {said}");
    }
}
