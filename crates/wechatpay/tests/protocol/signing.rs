//! R1 to R5, P1, P2, S1, S2 and B1 of set K, D1 to D6 of set D.

use std::io::Read as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wechatpay::credentials::PublicKey;
use wechatpay::v3::signature::{authorization_header, request_message};
use wechatpay::v3::{CloseRequest, JsapiPrepay, PayParameters, aead, pay_parameters};

use crate::vectors::{entry, merchant, platform_key, set_d, set_k, text};

fn message_of(vector: &Value, timestamp: &str, nonce: &str) -> Vec<u8> {
    request_message(
        text(vector, "/method"),
        text(vector, "/url"),
        timestamp.parse().unwrap(),
        nonce,
        text(vector, "/body").as_bytes(),
    )
}

#[test]
fn requests_of_set_k_give_the_published_messages_and_signatures() {
    let (set, key) = (set_k(), merchant().private_key);
    let vectors = set["request_signing"].as_array().unwrap();
    assert_eq!(vectors.len(), 5);
    for vector in vectors {
        let message = message_of(vector, text(vector, "/timestamp"), text(vector, "/nonce"));
        let id = text(vector, "/id");
        let digest = hex::encode(Sha256::digest(&message));
        assert_eq!(digest, text(vector, "/message_sha256"), "{id}");
        assert_eq!(
            key.sign(&message).unwrap(),
            text(vector, "/signature"),
            "{id}"
        );
    }
}

#[test]
fn the_authorization_header_of_r2_is_reproduced_byte_for_byte() {
    let set = set_k();
    let vector = entry(&set, "request_signing", "R2");
    let header = authorization_header(
        &merchant(),
        "GET",
        text(&vector, "/url"),
        text(&vector, "/timestamp").parse().unwrap(),
        text(&vector, "/nonce"),
        b"",
    );
    assert_eq!(header.unwrap(), text(&set, "/authorization_header_R2"));
}

#[test]
fn typed_requests_serialise_to_the_bytes_of_r1_and_r5() {
    let set = set_k();
    let r1 = entry(&set, "request_signing", "R1");
    let order: JsapiPrepay = serde_json::from_str(text(&r1, "/body")).unwrap();
    order.validate().unwrap();
    assert_eq!(order.paying_appid(), "wx2222222222222222");
    assert_eq!(serde_json::to_string(&order).unwrap(), text(&r1, "/body"));
    let r5 = entry(&set, "request_signing", "R5");
    let close: CloseRequest = serde_json::from_str(text(&r5, "/body")).unwrap();
    assert_eq!(serde_json::to_string(&close).unwrap(), text(&r5, "/body"));
}

#[test]
fn pay_parameters_give_the_published_signatures() {
    let (set, key) = (set_k(), merchant().private_key);
    let p1 = entry(&set, "pay_sign", "P1");
    let prepay_id = text(&p1, "/fourth_line")
        .strip_prefix("prepay_id=")
        .unwrap();
    let timestamp = text(&p1, "/timeStamp").parse().unwrap();
    let parameters = PayParameters::sign(
        &key,
        text(&p1, "/appId"),
        prepay_id,
        timestamp,
        text(&p1, "/nonceStr"),
    );
    let parameters = parameters.unwrap();
    assert_eq!(parameters.pay_sign, text(&p1, "/paySign"));
    let public = key.public_key();
    public
        .verify(&parameters.signed_message(), &parameters.pay_sign)
        .unwrap();
    let json = serde_json::to_value(&parameters).unwrap();
    let names: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        [
            "appId",
            "timeStamp",
            "nonceStr",
            "package",
            "signType",
            "paySign"
        ]
    );
    assert_eq!(json["timeStamp"], Value::from("1767225600"));
    assert_eq!(json["signType"], Value::from("RSA"));

    let p2 = entry(&set, "pay_sign", "P2");
    let message = pay_parameters::message(
        text(&p2, "/appId"),
        text(&p2, "/timeStamp"),
        text(&p2, "/nonceStr"),
        text(&p2, "/fourth_line"),
    );
    assert_eq!(key.sign(&message).unwrap(), text(&p2, "/paySign"));
}

#[test]
fn signatures_of_the_documentation_verify_with_its_public_key() {
    let set = set_d();
    let key = PublicKey::from_pem(text(&set, "/public_key_pem")).unwrap();
    let (timestamp, nonce) = (text(&set, "/timestamp"), text(&set, "/nonce"));
    let requests = set["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 4);
    for vector in requests {
        let message = message_of(vector, timestamp, nonce);
        let id = text(vector, "/id");
        assert_eq!(
            key.verify(&message, text(vector, "/signature")),
            Ok(()),
            "{id}"
        );
    }
    let pay_signs = set["pay_sign"].as_array().unwrap();
    assert_eq!(pay_signs.len(), 2);
    for vector in pay_signs {
        let (appid, fourth_line) = (text(vector, "/appId"), text(vector, "/fourth_line"));
        let message = pay_parameters::message(appid, timestamp, nonce, fourth_line);
        let id = text(vector, "/id");
        assert_eq!(
            key.verify(&message, text(vector, "/paySign")),
            Ok(()),
            "{id}"
        );
    }
}

#[test]
fn sensitive_fields_decrypt_in_both_directions() {
    let set = set_k();
    let (s1, s2) = (
        entry(&set, "sensitive_fields", "S1"),
        entry(&set, "sensitive_fields", "S2"),
    );
    let downlink = merchant()
        .private_key
        .decrypt_oaep(text(&s1, "/ciphertext"))
        .unwrap();
    assert_eq!(downlink, text(&s1, "/plaintext").as_bytes());
    let uplink = platform_key()
        .decrypt_oaep(text(&s2, "/ciphertext"))
        .unwrap();
    assert_eq!(uplink, text(&s2, "/plaintext").as_bytes());
    assert!(
        merchant()
            .private_key
            .decrypt_oaep(text(&s2, "/ciphertext"))
            .is_err()
    );
}

#[test]
fn the_encrypted_bill_opens_with_its_sixteen_byte_nonce() {
    let set = set_k();
    let bill = &set["encrypted_bill"];
    let key = merchant()
        .private_key
        .decrypt_oaep(text(bill, "/encrypt_key"))
        .unwrap();
    assert_eq!(key, text(bill, "/expect_file_key").as_bytes());
    let file = BASE64_STANDARD.decode(text(bill, "/file_base64")).unwrap();
    let nonce = text(bill, "/nonce").as_bytes();
    assert_eq!(nonce.len(), 16);
    let zipped = aead::open_bytes(&key, nonce, b"", &file).unwrap();
    let mut csv = Vec::new();
    flate2::read::GzDecoder::new(zipped.as_slice())
        .read_to_end(&mut csv)
        .unwrap();
    assert_eq!(csv, text(bill, "/plain_csv").as_bytes());
    let algorithm = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
    let sha1 = aws_lc_rs::digest::digest(algorithm, &csv);
    assert_eq!(hex::encode(sha1), text(bill, "/hash_value"));
}
