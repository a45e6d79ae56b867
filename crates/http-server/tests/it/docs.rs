//! The documentation pages.

use crate::support::Setup;

/// The values of `attribute` in `html`.
#[cfg(feature = "swagger-ui")]
fn attributes<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    html.split(&format!(" {attribute}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[tokio::test]
async fn the_document_and_the_start_page() {
    let server = Setup::default().start().await;
    let document = server.get("/openapi.json").await;
    assert_eq!((document.status, document.header("content-type")), (200, Some("application/json")));
    assert_eq!(document.json()["openapi"], "3.1.0");
    let start = server.get("/").await.json();
    assert_eq!((&start["service"], &start["mode"]), (&"test".into(), &"microservices".into()));
    for link in start["links"].as_object().expect("links").values() {
        assert_eq!(server.get(link.as_str().expect("a path")).await.status, 200, "{link}");
    }
}

#[cfg(feature = "swagger-ui")]
#[tokio::test]
async fn swagger_ui_loads_only_what_the_binary_serves() {
    let server = Setup::default().start().await;
    for path in ["/docs", "/docs/"] {
        let page = server.get(path).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/html; charset=utf-8"))
        );
        assert!(
            page.header("content-security-policy")
                .is_some_and(|policy| policy.starts_with("default-src 'none'"))
        );
        let links = [attributes(page.text(), "src"), attributes(page.text(), "href")].concat();
        assert_eq!(links.len(), 7, "{links:?}");
        for link in links {
            assert!(link.starts_with("/docs/"), "{link}");
            let file = server.get(link).await;
            assert!(file.status == 200 && !file.body.is_empty(), "{link}");
        }
    }
    let settings = server.get("/docs/swagger-initializer.js").await;
    assert!(
        settings.text().contains("\"/openapi.json\"")
            && settings.text().contains("\"validatorUrl\": \"none\""),
        "{settings:?}"
    );
    assert!(!settings.text().contains("http"), "{settings:?}");
    server.get("/docs/unknown.js").await.assert_problem(404, "not_found");
}

#[cfg(feature = "redoc")]
#[tokio::test]
async fn redoc_is_one_page_without_outside_resources() {
    let server = Setup::default().start().await;
    let page = server.get("/redoc").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(
        page.header("content-security-policy")
            .is_some_and(|policy| policy.starts_with("default-src 'none'"))
    );
    let html = page.text();
    assert!(
        html.contains("<title>Test &lt;Service></title>")
            && html.contains("Redoc.init(\"/openapi.json\"")
    );
    for outside in [
        "cdn.",
        "fonts.googleapis",
        "fonts.gstatic",
        "unpkg.com",
        "jsdelivr",
        "@import",
        "<script src",
        "<link",
    ] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(!html.contains("src:\"http"), "an image or script from elsewhere");

    let accepting = "GET /redoc HTTP/1.1\r\nhost: t\r\naccept-encoding: gzip, br\r\n\r\n";
    let compressed = server.request(accepting).await;
    assert_eq!(compressed.header("content-encoding"), Some("gzip"));
    let mut unpacked = String::new();
    let mut gzip = flate2::read::GzDecoder::new(&compressed.body[..]);
    std::io::Read::read_to_string(&mut gzip, &mut unpacked).expect("gzip");
    assert!(unpacked == html && compressed.body.len() < html.len() / 2);
    let refusing = accepting.replace("gzip, br", "gzip;q=0");
    assert_eq!(server.request(&refusing).await.header("content-encoding"), None);
}
