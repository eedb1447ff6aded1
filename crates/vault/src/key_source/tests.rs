//! Every form and source of the key-encryption key, good and bad.

use super::*;

const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn ascending() -> [u8; 32] {
    std::array::from_fn(|index| u8::try_from(index).unwrap())
}

fn from_environment(value: &str) -> Result<Kek, VaultError> {
    EnvironmentValue::new(value.to_owned()).kek()
}

fn shell(script: &str) -> KeyCommand {
    KeyCommand::new("sh", &["-c".to_owned(), script.to_owned()])
}

#[test]
fn every_spelling_gives_the_same_key_and_name() {
    for spelling in [
        HEX,
        &HEX.to_uppercase(),
        BASE64,
        BASE64.trim_end_matches('='),
        &format!(" {BASE64}\n"),
    ] {
        let kek = from_environment(spelling).unwrap();
        assert_eq!(kek.bytes(), &ascending(), "{spelling}");
        assert_eq!(kek.id(), Kek::named_by_hash(&ascending()).id());
    }
}

#[test]
fn both_base64_alphabets_are_read() {
    let standard = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";
    let url_safe = standard.replace('+', "-").replace('/', "_");
    let standard = from_environment(standard).unwrap();
    assert_eq!(
        standard.bytes(),
        from_environment(&url_safe).unwrap().bytes()
    );
}

#[test]
fn other_lengths_and_letters_are_refused_without_repeating_them() {
    let short = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==";
    for wrong in [
        "",
        "secret!",
        &HEX[2..],
        &HEX.replace('0', "g"),
        short,
        &BASE64.repeat(2),
    ] {
        let error = from_environment(wrong).err().unwrap();
        assert!(matches!(error, VaultError::KekForm { .. }));
        assert!(wrong.is_empty() || !format!("{error:?} {error}").contains(wrong));
    }
}

#[test]
fn password_of_key_length_is_refused() {
    let error = from_environment("0123456789abcdef0123456789abcdef")
        .err()
        .unwrap();
    assert!(matches!(error, VaultError::KekForm { .. }));
}

#[test]
fn different_keys_have_different_names() {
    let other = from_environment(&HEX.replace("1f", "2f")).unwrap();
    assert_ne!(other.id(), from_environment(HEX).unwrap().id());
}

#[cfg(unix)]
mod files {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn key_file(content: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn file_of_raw_bytes_or_text_is_read() {
        for content in [
            ascending().as_slice(),
            HEX.as_bytes(),
            format!("{BASE64}\n").as_bytes(),
        ] {
            let (_folder, path) = key_file(content, 0o400);
            assert_eq!(KeyFile::new(&path).kek().unwrap().bytes(), &ascending());
        }
    }

    #[test]
    fn file_that_others_may_touch_is_refused() {
        for mode in [0o440, 0o404, 0o620, 0o601, 0o644] {
            let (_folder, path) = key_file(HEX.as_bytes(), mode);
            match KeyFile::new(&path).kek() {
                Err(VaultError::KeyFileExposed { mode: found, .. }) => assert_eq!(found, mode),
                other => panic!("{mode:o}: {:?}", other.err()),
            }
        }
    }

    #[test]
    fn missing_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = KeyFile::new(&folder.path().join("absent"))
            .kek()
            .err()
            .unwrap();
        assert!(matches!(error, VaultError::KeyFile { .. }));
        assert!(error.to_string().contains("absent"));
    }

    #[test]
    fn command_output_is_read() {
        let kek = shell(&format!("echo {BASE64}")).kek().unwrap();
        assert_eq!(kek.bytes(), &ascending());
    }

    #[test]
    fn failing_command_is_an_error_even_when_it_prints_a_key() {
        let error = shell(&format!("echo {BASE64}; exit 3"))
            .kek()
            .err()
            .unwrap();
        assert!(matches!(error, VaultError::KeyCommandStatus { .. }));
    }

    #[test]
    fn absent_command_is_an_error() {
        let error = KeyCommand::new("/nonexistent/helper", &[])
            .kek()
            .err()
            .unwrap();
        assert!(matches!(error, VaultError::KeyCommand { .. }));
    }

    #[test]
    fn endless_output_is_cut_off_and_refused() {
        assert!(shell("yes").kek().is_err());
    }

    #[test]
    fn command_that_never_ends_is_killed_at_the_limit() {
        let command = KeyCommand {
            limit: Duration::from_millis(30),
            ..shell("exec sleep 600")
        };
        assert!(matches!(
            command.kek(),
            Err(VaultError::KeyCommandTimeout { .. })
        ));
    }
}
