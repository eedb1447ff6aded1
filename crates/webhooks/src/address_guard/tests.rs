//! The corpus: addresses on both sides of every border of the list, and URLs in every disguise we know of.

use super::resolver::ResolveFailure;
use super::*;

const FORBIDDEN: &str = "
    0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.11.12.13 10.255.255.255
    100.64.0.0 100.64.0.1 100.100.100.200 100.127.255.255
    127.0.0.0 127.0.0.1 127.0.1.1 127.1.2.3 127.255.255.255
    169.254.0.0 169.254.0.23 169.254.169.254 169.254.169.253 169.254.170.2 169.254.255.255
    172.16.0.0 172.16.0.1 172.17.0.1 172.20.10.5 172.31.255.255
    192.0.0.0 192.0.0.1 192.0.0.8 192.0.0.170 192.0.0.192 192.0.0.255
    192.0.2.0 192.0.2.1 192.0.2.255 192.88.99.0 192.88.99.1 192.88.99.255
    192.168.0.0 192.168.0.1 192.168.1.254 192.168.255.255
    198.18.0.0 198.18.0.1 198.19.255.255 198.51.100.0 198.51.100.7 198.51.100.255
    203.0.113.0 203.0.113.9 203.0.113.255
    224.0.0.0 224.0.0.1 224.0.0.251 239.255.255.250 239.255.255.255
    240.0.0.0 240.0.0.1 250.1.2.3 255.255.255.254 255.255.255.255 168.63.129.16
    :: ::1 ::2 ::7f00:1 ::a00:1 ::ffff:0:0 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
    ::ffff:192.168.1.1 ::ffff:8.8.8.8 ::ffff:255.255.255.255 ::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8
    ::127.0.0.1 ::8.8.8.8 ::5efe:7f00:1 ff:: ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
    64:ff9b:: 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::a00:1 64:ff9b::808:808
    64:ff9b:1:: 64:ff9b:1::7f00:1 64:ff9b:1:ffff:ffff:ffff:ffff:ffff
    100:: 100::1 100::ffff:ffff:ffff:ffff 100:0:0:1::1 200:: 400::1 800:: 1000::1
    1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
    2001:: 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:1::1 2001:2::1 2001:3:: 2001:4:112::1
    2001:10:: 2001:20::1 2001:30:: 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff
    2001:db8:: 2001:db8::1 2001:db8:85a3::8a2e:370:7334 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
    2002:: 2002:7f00:1:: 2002:a00:1:: 2002:a9fe:a9fe::1 2002:c0a8:101::1 2002:808:808::808:808
    2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff
    3fff:: 3fff::1 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff
    4000:: 4000::1 5f00:: 5f00::1 6000::1 8000::1 a000::1 c000::1 e000::1 f000::1 f800::
    fc00:: fc00::1 fcff::1 fd00::1 fd00:ec2::254 fd12:3456:789a::1 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
    fe00:: fe80:: fe80::1 fe80::5efe:a00:1 fe80::a9fe:a9fe febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff
    fec0:: fec0::1 feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
    ff00:: ff01::1 ff02::1 ff02::2 ff02::fb ff05::1:3 ff0e::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

const PERMITTED: &str = "
    1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
    168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0
    191.255.255.255 192.0.1.0 192.0.1.255 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0
    198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
    119.29.29.29 223.5.5.5 140.82.112.3
    2000:: 2000::1 2001:200:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9:: 2001:4860:4860::8888
    2003:: 2400:3200::1 2402:4e00:: 2606:4700:4700::1111 2620:fe::fe 2a00:1450:4001::1
    3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff 3fff:1000::";

const REFUSED_URLS: &[(&str, UrlRefused)] = &[
    ("http://127.0.0.1/", UrlRefused::IpLiteral),
    ("https://127.0.0.1/", UrlRefused::IpLiteral),
    ("https://127.1/", UrlRefused::IpLiteral),
    ("https://a..b/", UrlRefused::Host),
    ("https://shop..example.com/", UrlRefused::Host),
    ("https:\\\\shop.example.com/", UrlRefused::Malformed),
    ("https://shop.example.com\\hook", UrlRefused::Malformed),
    ("https://@shop.example.com/", UrlRefused::Userinfo),
    ("https:@shop.example.com/", UrlRefused::Userinfo),
    ("https://:@shop.example.com/", UrlRefused::Userinfo),
    ("https://127.0.1/", UrlRefused::IpLiteral),
    ("https://2130706433/", UrlRefused::IpLiteral),
    ("https://0x7f000001/", UrlRefused::IpLiteral),
    ("https://0x7f.1/", UrlRefused::IpLiteral),
    ("https://0x7F.0x0.0x0.0x1/", UrlRefused::IpLiteral),
    ("https://017700000001/", UrlRefused::IpLiteral),
    ("https://0177.0.0.1/", UrlRefused::IpLiteral),
    ("https://0177.0.0.01/", UrlRefused::IpLiteral),
    ("https://00000177.0.0.1/", UrlRefused::IpLiteral),
    ("https://①②⑦.⓪.⓪.①/", UrlRefused::IpLiteral),
    ("https://①②⑦.0.0.1/", UrlRefused::IpLiteral),
    ("https://１２７.０.０.１/", UrlRefused::IpLiteral),
    ("https://127。0。0。1/", UrlRefused::IpLiteral),
    ("https://127.0.0.1./", UrlRefused::IpLiteral),
    ("https://%31%32%37.0.0.1/", UrlRefused::IpLiteral),
    ("https://0/", UrlRefused::IpLiteral),
    ("https://0.0.0.0/", UrlRefused::IpLiteral),
    ("https://10.0.0.1/", UrlRefused::IpLiteral),
    ("https://167772161/", UrlRefused::IpLiteral),
    ("https://012.0.0.1/", UrlRefused::IpLiteral),
    (
        "https://169.254.169.254/latest/meta-data/",
        UrlRefused::IpLiteral,
    ),
    ("https://2852039166/", UrlRefused::IpLiteral),
    ("https://0xa9fea9fe/", UrlRefused::IpLiteral),
    ("https://0xA9.0xFE.0xA9.0xFE/", UrlRefused::IpLiteral),
    ("https://0251.0376.0251.0376/", UrlRefused::IpLiteral),
    ("https://0251.254.169.254/", UrlRefused::IpLiteral),
    ("https://169.254.43518/", UrlRefused::IpLiteral),
    ("https://100.100.100.200/", UrlRefused::IpLiteral),
    ("https://192.168.1.1:8443/", UrlRefused::IpLiteral),
    ("https://8.8.8.8/", UrlRefused::IpLiteral),
    ("https://1.1.1.1:443/", UrlRefused::IpLiteral),
    ("https://[::1]/", UrlRefused::IpLiteral),
    ("https://[0:0:0:0:0:0:0:1]/", UrlRefused::IpLiteral),
    ("https://[::]/", UrlRefused::IpLiteral),
    ("https://[::ffff:127.0.0.1]/", UrlRefused::IpLiteral),
    ("https://[::ffff:7f00:1]/", UrlRefused::IpLiteral),
    ("https://[::ffff:a9fe:a9fe]/", UrlRefused::IpLiteral),
    ("https://[::127.0.0.1]/", UrlRefused::IpLiteral),
    ("https://[64:ff9b::7f00:1]/", UrlRefused::IpLiteral),
    ("https://[64:ff9b::169.254.169.254]/", UrlRefused::IpLiteral),
    ("https://[2002:7f00:1::]/", UrlRefused::IpLiteral),
    ("https://[fd00:ec2::254]/", UrlRefused::IpLiteral),
    ("https://[fe80::1]/", UrlRefused::IpLiteral),
    ("https://[2606:4700:4700::1111]/", UrlRefused::IpLiteral),
    ("https://[fe80::1%25eth0]/", UrlRefused::Malformed),
    ("https://256.256.256.256/", UrlRefused::Malformed),
    ("https://127.0.0.0x/", UrlRefused::IpLiteral),
    ("https://1.2.3.4.5/", UrlRefused::Malformed),
    ("https://[::1/", UrlRefused::Malformed),
    ("https://4294967296/", UrlRefused::Malformed),
    ("https:///", UrlRefused::Malformed),
    ("https://", UrlRefused::Malformed),
    ("", UrlRefused::Malformed),
    ("shop.example.com/hook", UrlRefused::Malformed),
    ("//shop.example.com/hook", UrlRefused::Malformed),
    ("https://shop.example.com/a b", UrlRefused::Malformed),
    (" https://shop.example.com/", UrlRefused::Malformed),
    ("https://shop.exam\nple.com/", UrlRefused::Malformed),
    (
        "https://shop.example.com/\r\nhost: x",
        UrlRefused::Malformed,
    ),
    ("https://shop.exa\tmple.com/", UrlRefused::Malformed),
    ("https://shop.example.com/\0", UrlRefused::Malformed),
    ("https://shop<.example.com/", UrlRefused::Malformed),
    ("https://shop.example.com:99999/", UrlRefused::Malformed),
    ("http://shop.example.com/", UrlRefused::Scheme),
    ("ftp://shop.example.com/", UrlRefused::Scheme),
    ("file:///etc/passwd", UrlRefused::Scheme),
    ("gopher://shop.example.com:6379/_x", UrlRefused::Scheme),
    ("javascript:alert(1)", UrlRefused::Scheme),
    ("data:text/plain,x", UrlRefused::Scheme),
    ("ws://shop.example.com/", UrlRefused::Scheme),
    ("unix:/var/run/docker.sock", UrlRefused::Scheme),
    ("https://user@shop.example.com/", UrlRefused::Userinfo),
    ("https://user:pass@shop.example.com/", UrlRefused::Userinfo),
    ("https://shop.example.com@127.0.0.1/", UrlRefused::Userinfo),
    ("https://:pass@shop.example.com/", UrlRefused::Userinfo),
    ("https://shop.example.com/#", UrlRefused::Fragment),
    (
        "https://shop.example.com/#@evil.example.net",
        UrlRefused::Fragment,
    ),
    ("https://shop.example.com:0/", UrlRefused::Port),
    ("https://shop.example.com:22/", UrlRefused::Port),
    ("https://shop.example.com:25/", UrlRefused::Port),
    ("https://shop.example.com:80/", UrlRefused::Port),
    ("https://shop.example.com:1023/", UrlRefused::Port),
    ("https://shop.example.com:3306/", UrlRefused::Port),
    ("https://shop.example.com:5432/", UrlRefused::Port),
    ("https://shop.example.com:6379/", UrlRefused::Port),
    ("https://shop.example.com:9200/", UrlRefused::Port),
    ("https://shop.example.com:11211/", UrlRefused::Port),
    ("https://shop.example.com:27017/", UrlRefused::Port),
    ("https://localhost/", UrlRefused::Host),
    ("https://LOCALHOST/", UrlRefused::Host),
    ("https://localhost./", UrlRefused::Host),
    ("https://a.localhost/", UrlRefused::Host),
    ("https://intranet/", UrlRefused::Host),
    ("https://metadata.google.internal/", UrlRefused::Host),
    ("https://printer.local/", UrlRefused::Host),
    ("https://PRINTER.LOCAL/", UrlRefused::Host),
    ("https://host.localdomain/", UrlRefused::Host),
    ("https://nas.home.arpa/", UrlRefused::Host),
    ("https://home.arpa/", UrlRefused::Host),
    ("https://shop.example.com./", UrlRefused::Host),
    ("https://.example.com/", UrlRefused::Host),
    ("https://pay.tributary.example/", UrlRefused::Host),
    ("https://PAY.Tributary.example/hook", UrlRefused::Host),
];

const ACCEPTED_URLS: &[&str] = &[
    "https://shop.example.com",
    "https://shop.example.com/hooks/wechat?token=abc&x=1",
    "https://shop.example.com:443/",
    "https://shop.example.com:1024/",
    "https://shop.example.com:8443/",
    "https://shop.example.com:65535/",
    "https://商店.中国/",
    "https://local.example.com/",
    "https://my.localhost.example.com/",
    "https://127.0.0.1.example.com/",
    "HTTPS://SHOP.EXAMPLE.COM/",
];

fn policy() -> AddressPolicy {
    AddressPolicy {
        own_hosts: vec!["pay.tributary.example".to_owned()],
        ..Default::default()
    }
}

fn development() -> AddressPolicy {
    AddressPolicy {
        allow_loopback: true,
        ..policy()
    }
}

#[test]
fn the_corpus_is_large_enough() {
    let addresses = FORBIDDEN.split_whitespace().count() + PERMITTED.split_whitespace().count();
    assert!(addresses >= 200, "{addresses} addresses");
    assert!(REFUSED_URLS.len() >= 100, "{} URLs", REFUSED_URLS.len());
}

#[test]
fn every_forbidden_address_is_refused() {
    for text in FORBIDDEN.split_whitespace() {
        let address: IpAddr = text
            .parse()
            .unwrap_or_else(|_| panic!("{text} is no address"));
        assert!(is_forbidden(address), "{text}");
        assert!(!policy().permits(address), "{text}");
    }
}

#[test]
fn every_neighbour_and_public_address_is_permitted() {
    for text in PERMITTED.split_whitespace() {
        let address: IpAddr = text
            .parse()
            .unwrap_or_else(|_| panic!("{text} is no address"));
        assert!(!is_forbidden(address), "{text}");
        assert!(policy().permits(address), "{text}");
    }
}

#[test]
fn every_bad_url_is_refused_for_its_own_reason() {
    for (text, reason) in REFUSED_URLS {
        assert_eq!(policy().check_url(text), Err(*reason), "{text:?}");
    }
}

#[test]
fn every_good_url_is_accepted() {
    for text in ACCEPTED_URLS {
        assert!(
            policy().check_url(text).is_ok(),
            "{text:?}: {:?}",
            policy().check_url(text)
        );
    }
}

#[test]
fn the_length_limit_is_2048_bytes() {
    let base = "https://shop.example.com/";
    let longest = format!("{base}{}", "a".repeat(2_048 - base.len()));
    assert!(policy().check_url(&longest).is_ok());
    assert_eq!(
        policy().check_url(&format!("{longest}a")),
        Err(UrlRefused::TooLong)
    );
}

#[test]
fn development_permits_loopback_and_nothing_else() {
    for text in [
        "http://127.0.0.1:9000/",
        "http://localhost:9000/",
        "http://[::1]:9000/",
    ] {
        assert!(development().check_url(text).is_ok(), "{text}");
    }
    assert_eq!(
        development().check_url("http://10.0.0.1:9000/"),
        Err(UrlRefused::IpLiteral)
    );
    assert_eq!(
        development().check_url("http://shop.example.com/"),
        Err(UrlRefused::Scheme)
    );
    assert_eq!(
        development().check_url("http://127.0.0.1:6379/"),
        Err(UrlRefused::Port)
    );
    assert!(!development().permits("10.0.0.1".parse().unwrap()));
    assert!(!development().permits("::ffff:127.0.0.1".parse().unwrap()));
}

#[test]
fn an_operator_may_allow_and_deny_networks() {
    let policy = AddressPolicy {
        allowed: vec!["10.1.0.0/16".parse().unwrap()],
        denied: vec!["10.1.2.0/24".parse().unwrap(), "8.8.8.8".parse().unwrap()],
        ..Default::default()
    };
    for (address, permitted) in [
        ("10.1.0.1", true),
        ("10.1.2.1", false),
        ("10.2.0.1", false),
        ("8.8.8.8", false),
        ("8.8.4.4", true),
    ] {
        assert_eq!(
            policy.permits(address.parse().unwrap()),
            permitted,
            "{address}"
        );
    }
    assert!(policy.check_url("https://10.1.0.1:8443/").is_ok());
    assert_eq!(
        policy.check_url("https://10.1.2.1:8443/"),
        Err(UrlRefused::IpLiteral)
    );
    assert_eq!(
        policy.check_url("https://8.8.4.4/"),
        Err(UrlRefused::IpLiteral)
    );
}

#[test]
fn a_url_prints_without_its_path_and_query() {
    let url = policy()
        .check_url("https://shop.example.com/hooks/sesame?token=sesame")
        .unwrap();
    assert_eq!(
        format!("{url:?}"),
        "EndpointUrl(https://shop.example.com/…)"
    );
    assert_eq!(
        url.as_str(),
        "https://shop.example.com/hooks/sesame?token=sesame"
    );
}

async fn resolve(addresses: &[&str]) -> Result<usize, ResolveFailure> {
    use reqwest::dns::Resolve as _;

    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let lookup: Lookup = std::sync::Arc::new(move |_| {
        let addresses = addresses.clone();
        Box::pin(async move { Ok(addresses) })
    });
    let budget = std::time::Duration::from_secs(5);
    let resolver = GuardedResolver::new(std::sync::Arc::new(policy()), lookup, budget);
    match resolver.resolve("shop.example.com".parse().unwrap()).await {
        Ok(found) => Ok(found.count()),
        Err(error) => Err(*error.downcast::<ResolveFailure>().unwrap()),
    }
}

#[tokio::test]
async fn a_name_with_public_addresses_resolves_to_all_of_them() {
    assert_eq!(
        resolve(&["1.1.1.1", "2606:4700:4700::1111"]).await.unwrap(),
        2
    );
}

#[tokio::test]
async fn one_forbidden_address_refuses_the_whole_name() {
    for bad in [
        "127.0.0.1",
        "10.0.0.1",
        "::1",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
    ] {
        let verdict = resolve(&["1.1.1.1", bad]).await;
        assert!(matches!(verdict, Err(ResolveFailure::Blocked)), "{bad}");
    }
}

#[tokio::test]
async fn a_name_without_addresses_is_refused() {
    assert!(matches!(resolve(&[]).await, Err(ResolveFailure::Empty)));
}
