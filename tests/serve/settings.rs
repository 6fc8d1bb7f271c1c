//! Where a server's settings come from: flags, else the environment, else a file.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Starts a server, and gives what it says first, or of what it dies.
fn said(folder: &TempDir, variables: &[(&str, &str)], flags: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hongbao"));
    command.env_remove("HONGBAO_LOG").envs(variables.iter().copied()).current_dir(folder.path());
    let mut child =
        command.arg("serve").args(flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if line.is_empty() {
        assert_eq!(child.wait().unwrap().code(), Some(2), "what is set wrongly is wrong arguments");
        child.stderr.take().unwrap().read_to_string(&mut line).unwrap();
    } else {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    line
}

/// Variables, flags, and where the server then listens.
type Case<'case> = (&'case [(&'case str, &'case str)], &'case [&'case str], &'case str);

#[test]
fn a_flag_counts_before_a_variable_and_a_variable_before_the_file() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "data = 'there'\nlisten = '127.0.0.2:0'\nshards = 2\n").unwrap();
    let (data, config) = (("HONGBAO_DATA", "here"), ("HONGBAO_CONFIG", "file"));
    let listen = ("HONGBAO_LISTEN", "127.0.0.3:0");
    let cases: [Case<'_>; 6] = [
        (&[data], &["--listen", "127.0.0.4:0"], "127.0.0.4"),
        (&[data, listen], &[], "127.0.0.3"),
        (&[config], &[], "127.0.0.2"),
        (&[config, listen], &[], "127.0.0.3"),
        (&[config, listen], &["--listen", "127.0.0.4:0"], "127.0.0.4"),
        (&[("HONGBAO_CONFIG", "nowhere"), listen], &["--config", "file"], "127.0.0.3"),
    ];
    for (variables, flags, address) in cases {
        let said = said(&folder, variables, flags);
        assert!(
            said.starts_with(&format!("hongbao listens on http://{address}:")),
            "{variables:?} {flags:?}: {said}"
        );
    }
    assert!(!folder.path().join("snapshots").exists(), "none of them has taken the default folder");
}

#[test]
fn what_is_set_wrongly_is_refused_by_the_name_of_what_says_it() {
    let folder = TempDir::new().unwrap();
    let file = |text: &str| fs::write(folder.path().join("file"), text).unwrap();
    let from_file: &[&str] = &["--config", "file"];
    for (text, why) in [
        ("listen = 'afar'", "file, line 1: invalid value 'afar' for '--listen"),
        ("\nshards = 0", "file, line 2: invalid value '0' for '--shards"),
        ("shards = 1\nshards = 2", "file, line 2: duplicate key (shards)"),
        ("lisen = 'afar'", "there is no key \"lisen\": give one of data, listen"),
        ("log = 'hongbao=loud'", "file, line 1: invalid value 'hongbao=loud' for '--log"),
        ("tls-key = 'key'", "--tls-certificate is left out"),
        ("snapshot-every = 8\njournal-max = 31", "--journal-max is 31: give at least 32"),
    ] {
        file(text);
        let said = said(&folder, &[], from_file);
        assert!(said.contains(why) && said.lines().count() == 1, "{text:?}: {said}");
    }
    // A wrong value is wrong also where something else counts before it.
    file("listen = 'afar'");
    assert!(said(&folder, &[], &["--config", "file", "--listen", "127.0.0.1:0"]).contains("file, line 1"));
    assert!(said(&folder, &[], &["--config", "nowhere"]).contains("nowhere: cannot be read"));
    file(&"#".repeat(65 * 1024));
    assert!(said(&folder, &[], from_file).contains("is longer than 65536 bytes"));
    for (variable, value, why) in [
        ("HONGBAO_LISTEN", "afar", "HONGBAO_LISTEN: invalid value 'afar'"),
        ("HONGBAO_GRPC", "", "HONGBAO_GRPC: invalid value ''"),
        ("HONGBAO_DEV", "yes", "HONGBAO_DEV: invalid value 'yes'"),
        ("HONGBAO_SNAPSHOT_EVERY", "0", "HONGBAO_SNAPSHOT_EVERY: invalid value '0'"),
        ("HONGBAO_LOG_FORMAT", "xml", "HONGBAO_LOG_FORMAT: invalid value 'xml'"),
        (
            "HONGBAO_SHARDS",
            "many",
            "HONGBAO_SHARDS: invalid value 'many' for '--shards <N>': give a whole number from 1 to 64",
        ),
    ] {
        let said = said(&folder, &[(variable, value)], &[]);
        assert!(said.contains(why) && said.lines().count() == 1, "{variable}={value}: {said}");
    }
    assert!(!folder.path().join("snapshots").exists(), "nothing was begun");
}

/// Runs another command, and gives whether it went well and what it says.
fn done(folder: &TempDir, variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hongbao"));
    command.env_remove("HONGBAO_LOG").envs(variables.iter().copied()).current_dir(folder.path());
    let done = command.args(arguments).output().unwrap();
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    (done.status.code(), said)
}

#[test]
fn commands_beside_a_server_find_its_data_as_it_does() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "data = 'there'\nlisten = '127.0.0.2:0'\n").unwrap();
    let made = |where_: &str| fs::exists(folder.path().join(format!("{where_}.keys.json"))).unwrap();
    let create: &[&str] = &["keys", "create", "--role", "operator", "--config", "file"];
    let (here, config) = (("HONGBAO_DATA", "here"), ("HONGBAO_CONFIG", "file"));
    for (variables, arguments, data) in [
        (&[here][..], [create, &["--data", "flag"]].concat(), "flag"),
        (&[here], create.to_vec(), "here"),
        (&[], create.to_vec(), "there"),
    ] {
        assert!(!made(data));
        assert_eq!(done(&folder, variables, &arguments).0, Some(0), "{arguments:?}");
        assert!(made(data), "{variables:?} {arguments:?}");
    }
    assert!(!folder.path().join("snapshots").exists(), "none of them has taken the default folder");
    assert_eq!(done(&folder, &[config], &["keys", "list"]).0, Some(0), "a key was made there");
    for (command, file) in [
        (["keys", "list"], "nowhere.keys.json"),
        (["passwords", "list"], "nowhere.passwords.jsonl"),
        (["webhooks", "list"], "nowhere.webhooks.json"),
    ] {
        let (code, said) = done(&folder, &[("HONGBAO_DATA", "nowhere"), config], &command);
        let told = said.contains("there is no store at nowhere, and no nowhere.") && said.contains(file);
        assert!(code == Some(1) && told, "{command:?}: {said}");
        std::fs::create_dir(folder.path().join("nowhere")).unwrap();
        let (code, said) = done(&folder, &[("HONGBAO_DATA", "nowhere")], &command);
        assert_eq!((code, &*said), (Some(0), ""), "a store may have none");
        std::fs::remove_dir(folder.path().join("nowhere")).unwrap();
    }
    for command in ["snapshot", "audit"] {
        for (variables, arguments, data) in [
            (&[config][..], &[][..], "there"),
            (&[config], &["that"], "that"),
            (&[config], &["--data", "that"], "that"),
            (&[here, config], &[], "here"),
            (&[here], &["that"], "that"),
        ] {
            let (code, said) = done(&folder, variables, &[&[command], arguments].concat());
            let of_data = said.contains(&format!("{data} is not a hongbao store"));
            assert!(
                code == Some(1) && of_data,
                "{command} {arguments:?} is of a store that is not there: {said}"
            );
        }
        let (code, said) = done(&folder, &[], &[command, "here", "--data", "there"]);
        assert!(code == Some(2) && said.contains("given twice"), "{said}");
    }
    let (code, said) = done(&folder, &[], &["audit"]);
    assert!(code == Some(2) && said.contains("give it as DIR, or with --data"), "{said}");
    for command in
        [&["audit", "nowhere"][..], &["sale", "nowhere"], &["verify", "nowhere"], &["keys", "list"]]
    {
        let (code, said) = done(&folder, &[("HONGBAO_LOG", "loud")], command);
        let told = said.starts_with("hongbao: HONGBAO_LOG: \"loud\" is no level: give error, warn,");
        assert!(code == Some(2) && told && said.lines().count() == 1, "{command:?}: {said}");
    }
    // The file is a server's, and as wrong here as there.
    fs::write(folder.path().join("file"), "lisen = 'afar'").unwrap();
    let (code, said) = done(&folder, &[config], &["keys", "list"]);
    assert!(code == Some(2) && said.contains("there is no key \"lisen\""), "{said}");
    // Of others it is none.
    assert_eq!(done(&folder, &[config], &["verify", "nowhere"]).0, Some(1));
    assert_eq!(done(&folder, &[], &["verify", "--config", "file"]).0, Some(2));
}
