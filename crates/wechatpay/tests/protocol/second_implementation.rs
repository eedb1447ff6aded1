//! The `rsa` crate as a second opinion: what one implementation makes, the other must accept, in both directions.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rsa::pkcs1::{EncodeRsaPrivateKey as _, EncodeRsaPublicKey as _, LineEnding};
use rsa::pkcs1v15::{Signature, SigningKey, VerifyingKey};
use rsa::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding as _, Signer as _, Verifier as _};
use rsa::{Oaep, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use wechatpay::credentials::{KeyError, OaepError, PrivateKey, PublicKey, generate_pem};
use wechatpay::random_nonce;

/// One fresh key in both implementations.
struct Pair {
    ours: PrivateKey,
    theirs: RsaPrivateKey,
    public_pem: String,
}

fn pair() -> Pair {
    let (private_pem, public_pem) = generate_pem().unwrap();
    let ours = PrivateKey::from_pem(&private_pem).unwrap();
    Pair {
        ours,
        theirs: RsaPrivateKey::from_pkcs8_pem(&private_pem).unwrap(),
        public_pem,
    }
}

fn messages() -> Vec<Vec<u8>> {
    let lengths = [0, 1, 55, 56, 63, 64, 65, 214, 600, 100_000];
    lengths
        .map(|length| random_nonce(length).into_bytes())
        .to_vec()
}

#[test]
fn both_implementations_make_the_same_signature_and_accept_each_others() {
    let Pair {
        ours,
        theirs,
        public_pem,
    } = pair();
    let signing = SigningKey::<Sha256>::new(theirs);
    let verifying =
        VerifyingKey::<Sha256>::new(RsaPublicKey::from_public_key_pem(&public_pem).unwrap());
    let ours_public = PublicKey::from_pem(&public_pem).unwrap();
    for message in messages() {
        let mine = ours.sign(&message).unwrap();
        let other = signing.sign(&message).to_vec();
        assert_eq!(
            mine,
            BASE64_STANDARD.encode(&other),
            "{} bytes",
            message.len()
        );
        ours_public
            .verify(&message, &BASE64_STANDARD.encode(&other))
            .unwrap();
        let mine = Signature::try_from(BASE64_STANDARD.decode(mine).unwrap().as_slice()).unwrap();
        verifying.verify(&message, &mine).unwrap();
    }
}

#[test]
fn both_implementations_refuse_the_same_altered_signatures() {
    let Pair {
        ours, public_pem, ..
    } = pair();
    let theirs =
        VerifyingKey::<Sha256>::new(RsaPublicKey::from_public_key_pem(&public_pem).unwrap());
    let signature = BASE64_STANDARD
        .decode(ours.sign(b"message").unwrap())
        .unwrap();
    for index in 0..signature.len() {
        let mut altered = signature.clone();
        altered[index] ^= 1;
        let text = BASE64_STANDARD.encode(&altered);
        assert!(ours.public_key().verify(b"message", &text).is_err());
        let altered = Signature::try_from(altered.as_slice()).unwrap();
        assert!(theirs.verify(b"message", &altered).is_err());
    }
    for length in [0, 1, 255, 257, 512] {
        let text = BASE64_STANDARD.encode(vec![0; length]);
        assert!(
            ours.public_key().verify(b"message", &text).is_err(),
            "{length} bytes"
        );
    }
}

#[test]
fn sensitive_fields_cross_in_both_directions() {
    let Pair { ours, theirs, .. } = pair();
    for plain in ["", "张三", &"x".repeat(214)] {
        let encrypted = ours.public_key().encrypt_oaep(plain.as_bytes()).unwrap();
        let bytes = BASE64_STANDARD.decode(encrypted).unwrap();
        assert_eq!(
            theirs.decrypt(Oaep::new::<Sha1>(), &bytes).unwrap(),
            plain.as_bytes()
        );

        let mut rng = rsa::rand_core::OsRng;
        let public = theirs.to_public_key();
        let bytes = public
            .encrypt(&mut rng, Oaep::new::<Sha1>(), plain.as_bytes())
            .unwrap();
        let text = BASE64_STANDARD.encode(bytes);
        assert_eq!(ours.decrypt_oaep(&text).unwrap(), plain.as_bytes());
    }
}

#[test]
fn another_hash_another_key_and_wrong_lengths_are_errors() {
    let Pair { ours, theirs, .. } = pair();
    assert_eq!(
        ours.public_key().encrypt_oaep(&[0; 215]),
        Err(OaepError::TooLong)
    );
    let mut rng = rsa::rand_core::OsRng;
    let public = theirs.to_public_key();
    let sha256 = public
        .encrypt(&mut rng, Oaep::new::<Sha256>(), b"text")
        .unwrap();
    let sha256 = BASE64_STANDARD.encode(sha256);
    assert_eq!(ours.decrypt_oaep(&sha256), Err(OaepError::Decrypt));
    let foreign = pair().ours.public_key().encrypt_oaep(b"text").unwrap();
    assert_eq!(ours.decrypt_oaep(&foreign), Err(OaepError::Decrypt));
    for length in [0, 1, 16, 255, 257, 4096] {
        let text = BASE64_STANDARD.encode(vec![1; length]);
        assert_eq!(
            ours.decrypt_oaep(&text),
            Err(OaepError::Decrypt),
            "{length} bytes"
        );
    }
    assert_eq!(ours.decrypt_oaep("not base64"), Err(OaepError::NotBase64));
}

#[test]
fn keys_in_pkcs1_form_are_the_same_keys() {
    let Pair {
        ours,
        theirs,
        public_pem,
    } = pair();
    let pkcs1 = theirs.to_pkcs1_pem(LineEnding::LF).unwrap();
    let converted = PrivateKey::from_pem(&pkcs1).unwrap();
    assert_eq!(converted.sign(b"m"), ours.sign(b"m"));
    let public = theirs
        .to_public_key()
        .to_pkcs1_pem(LineEnding::CRLF)
        .unwrap();
    assert_eq!(PublicKey::from_pem(&public).unwrap(), ours.public_key());
    assert_eq!(ours.public_key().to_pem().unwrap(), public_pem);
}

#[test]
fn pem_survives_what_consoles_do_to_it_and_other_material_is_refused() {
    let (private_pem, public_pem) = generate_pem().unwrap();
    let indented = private_pem.replace('\n', " \r\n\r\n  ");
    assert!(PrivateKey::from_pem(&indented).is_ok());
    assert!(PrivateKey::from_pem(private_pem.trim()).is_ok());
    assert_eq!(
        PrivateKey::from_pem(&public_pem).unwrap_err(),
        KeyError::Pem
    );
    assert_eq!(
        PublicKey::from_pem(&private_pem).unwrap_err(),
        KeyError::Pem
    );
    assert_eq!(
        PublicKey::from_certificate_pem(&public_pem).unwrap_err(),
        KeyError::Pem
    );
    for text in [
        "",
        "key",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        assert!(PrivateKey::from_pem(text).is_err());
        assert!(PublicKey::from_pem(text).is_err());
    }
}

#[test]
fn keys_below_2048_bits_are_refused() {
    let small = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024).unwrap();
    let private = small.to_pkcs1_pem(LineEnding::LF).unwrap();
    assert_eq!(
        PrivateKey::from_pem(&private).unwrap_err(),
        KeyError::NotRsa
    );
    let public = small.to_public_key().to_pkcs1_pem(LineEnding::LF).unwrap();
    assert_eq!(PublicKey::from_pem(&public).unwrap_err(), KeyError::NotRsa);
}
