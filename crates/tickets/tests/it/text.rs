//! The text of tickets, and their images.

use qrcode::{EcLevel, QrCode, Version};
use signing::SigningKeys;
use tickets::{ShortName, Ticket, TicketError, png, svg};

use crate::support::{SOLD_AT_S, keys, reservation, ticket};

#[test]
fn ticket_has_one_text_for_ever() {
    let text = ticket().sign(&keys(1));
    // A change of this makes all tickets invalid that were ever sold.
    assert_eq!(
        text,
        "TKT1:RRQT 9P60GO086ATLQV5TG3R8CK965EJ0/3E5$C:DC +DGEC65ARDIUFD-8CPV0G7N4085*364FNQE93D1/DVKEGVDM68 \
         LK-FQ$P6$ EJ4QNVMP-GDQKY 0YA488BL4843IZJKBOFUHMSGQBBQ7VL 5BJEI-$R.*2676Y2UW*TL9C $7WNAORPUQL50"
    );
    assert_eq!(Ticket::verify(&keys(1), &text), Ok(ticket()));
}

#[test]
fn each_ticket_has_a_text_of_its_own() {
    let other = "0190c669-9660-7d05-8cb7-3a3f4c1e9b78".parse().unwrap();
    let all = [
        ticket(),
        Ticket::new("operb", reservation(), "general", 1),
        Ticket::new("opera", other, "general", 1),
        Ticket::new("opera", reservation(), "vip", 1),
        Ticket::new("opera", reservation(), "general", 2),
    ];
    let mut texts: Vec<_> = all.iter().map(|ticket| ticket.sign(&keys(1))).collect();
    for (ticket, text) in all.iter().zip(&texts) {
        assert_eq!(Ticket::verify(&keys(1), text).as_ref(), Ok(ticket));
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), all.len());
}

#[test]
fn rotation_changes_no_text() {
    let [old, new] = [SigningKeys::generate([1; 32]), SigningKeys::generate([2; 32])];
    let key = |set: &str| set["{\"keys\":[".len()..set.len() - 3].to_owned();
    let both = |from_s: u64| {
        let new = key(&new).replace('}', &format!(",\"signs_tickets_from\":{from_s}}}"));
        SigningKeys::from_jwks(&format!("{{\"keys\":[{new},{}]}}", key(&old))).unwrap()
    };
    let (before, after) = (ticket().sign(&keys(1)), ticket().sign(&keys(2)));
    assert_eq!(ticket().sign(&both(SOLD_AT_S + 1)), before);
    assert_eq!(ticket().sign(&both(SOLD_AT_S)), after);
    for text in [&before, &after] {
        assert_eq!(Ticket::verify(&both(SOLD_AT_S), text), Ok(ticket()));
    }
    assert_eq!(Ticket::verify(&keys(2), &before), Err(TicketError::Signature));
}

#[test]
fn longest_ticket_fits_a_code_of_version_8() {
    let name = |len| "x".repeat(len);
    for (event, stock) in [(13, 13), (14, 64), (64, 14), (64, 64)] {
        let ticket = Ticket::new(&name(event), reservation(), &name(stock), u64::from(u32::MAX));
        let text = ticket.sign(&keys(1));
        assert_eq!(Ticket::verify(&keys(1), &text), Ok(ticket));
        let code = QrCode::with_error_correction_level(&text, EcLevel::M).unwrap();
        let Version::Normal(version) = code.version() else { panic!("{text}") };
        assert!(version <= 8, "{version}: {} {text}", text.len());
    }
}

#[test]
fn long_names_are_told_apart() {
    let (short, long) = ("x".repeat(13), "x".repeat(14));
    assert_eq!(ShortName::of(&short).as_str(), short);
    assert_eq!(ShortName::of(&long).as_str(), "~gQjtYCaItwcS");
    assert!(ShortName::of(&long).is_of(&long));
    for other in [&short, "y", "~", "xxxxxxxxxxxxxy"] {
        assert!(!ShortName::of(&long).is_of(other), "{other}");
    }
}

#[test]
fn images_are_what_they_say() {
    let text = ticket().sign(&keys(1));
    let image = png(&text).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(&image)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let modules = QrCode::with_error_correction_level(&text, EcLevel::M).unwrap().width();
    assert_eq!((info.width, info.height), ((modules as u32 + 8) * 8, (modules as u32 + 8) * 8));
    assert!(image.len() < 4_096, "{}", image.len());
    let drawing = svg(&text).unwrap();
    assert!(drawing.contains("<svg ") && !drawing.contains("<script"), "{drawing}");
    assert!(svg(&"x".repeat(4_000)).is_err() && png(&"x".repeat(4_000)).is_err());
}
