//! The waiting room of an event. The script joins, follows the stream, and shows the form when it
//! has a pass. The texts that it shows are in the page.

use maud::{Markup, html};
use vacancy_api::{Event, rfc3339};

use crate::{format::at_time, lang::Texts};

pub fn room(texts: &Texts, event: &Event) -> Markup {
    let queue = &texts.queue;
    let api = format!("/api/v1/events/{}/queue", event.event);
    let states = [
        ("drawing", queue.drawing),
        ("next", queue.next),
        ("paused", queue.paused),
        ("called", queue.called),
        ("entered", queue.entered),
        ("lapsed", queue.lapsed),
        ("over", queue.over),
        ("full", queue.full),
        ("soon", queue.soon),
        ("used", queue.used),
        ("busy", texts.unavailable),
        ("lost", queue.lost),
    ];
    let opens = event.queue.as_ref().map(|queue| rfc3339(queue.opens_at)).unwrap_or_default();
    html! {
        section.queue data-queue=(api) data-opens=(opens) aria-labelledby="queue" {
            h2 #queue { (queue.title) }
            // Shown until the script runs.
            p.message data-show="scripts" { (queue.needs_scripts) }
            p data-show="before" hidden { (at_time(queue.opens, &opens)) }
            p { button type="button" data-do="join" hidden { (queue.join) } }
            div role="status" aria-live="polite" {
                @for (state, text) in states { p data-show=(state) hidden { (text) } }
                p data-show="ahead" data-text=(queue.ahead) hidden {}
                p data-show="wait" data-text=(queue.wait) hidden {}
            }
            p { button type="button" data-do="enter" hidden { (queue.enter) } }
            p.hint data-show="place" hidden { (queue.joined) " " (queue.safe) }
            p.hint data-show="unkept" hidden { (queue.joined) " " (queue.unkept) }
        }
    }
}
