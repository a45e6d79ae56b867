//! A visit of one person, from the join to the ticket.

use std::time::Duration;

use rand::RngExt;
use tokio::{
    sync::watch,
    time::{sleep, sleep_until},
};

use super::{
    GROUP, Joined, Market,
    calls::{Caller, pass_id},
};
use crate::{
    error::Error,
    plan::{End, Kept, Person, Return},
    stream::{Phase, View, until},
};

/// The longest wait for the draw, and for a turn.
const WAIT_MAX: Duration = Duration::from_secs(280);
/// People who ask for their turns in a second; the client is to be no bottleneck.
const ASKING_PER_S: f64 = 2_500.0;
/// By then every stream shows what has happened.
const SOON: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(700);

/// Everything `person` does; what goes wrong is noted.
pub async fn visit(person: &Person, market: &Market) {
    let caller = Caller { person, market };
    let views = market.views[person.number / GROUP].clone();
    if let Err(error) = (Visit { caller: &caller, views }).run().await {
        caller.wrong(error);
    }
}

struct Visit<'a> {
    caller: &'a Caller<'a>,
    views: watch::Receiver<View>,
}

impl Visit<'_> {
    async fn run(mut self) -> Result<(), Error> {
        let Caller { person, market } = *self.caller;
        sleep_until(market.opens_at + person.joins_at).await;
        let Some(mut place) = self.join().await? else { return Ok(()) };
        if let Some((Return::BeforeDraw, kept)) = person.returns {
            pause(0.1..1.5).await;
            place = self.come_back(place, kept).await?;
        }
        if !until(&mut self.views, WAIT_MAX, |view| view.phase >= Phase::Open).await {
            self.caller.wrong("saw no draw");
            return Ok(());
        }
        let asking_s = (market.views.len() * GROUP) as f64 / ASKING_PER_S;
        pause(0.0..asking_s).await;
        let turn = self.turn(&place).await?;
        if let Some((Return::AfterDraw, kept)) = person.returns {
            pause(0.1..1.5).await;
            place = self.come_back(place, kept).await?;
        }
        if person.cheats {
            self.cheat(&place, turn).await?;
        }
        if !person.claims {
            return Ok(());
        }
        let called = |view: &View| view.serving >= turn || view.phase == Phase::SoldOut;
        if !until(&mut self.views, WAIT_MAX, called).await {
            self.caller.wrong("saw no end of the sale");
            return Ok(());
        }
        if self.views.borrow().serving < turn {
            return Ok(());
        }
        sleep(person.reacts_in).await;
        let Some(pass) = self.claim(&place).await? else { return Ok(()) };
        if person.end == End::Nothing {
            self.caller.count("passes never used");
            return Ok(());
        }
        sleep(person.thinks[0]).await;
        let Some((hold, qty)) = self.hold(&pass).await? else { return Ok(()) };
        self.finish(hold, qty).await
    }

    fn is_sold_out(&self) -> bool {
        self.views.borrow().phase == Phase::SoldOut
    }

    async fn join(&self) -> Result<Option<Joined>, Error> {
        let Caller { person, market } = *self.caller;
        market.notes.lock().asked.push(person.number);
        let joined = if person.joins_twice {
            let (one, two) = tokio::join!(self.caller.join(), self.caller.join());
            let (one, two) = (one?, two?);
            self.caller.count("double joins");
            let indexes = [&one, &two].map(|joined| joined.as_ref().map(|joined| joined.index));
            if indexes[0] != indexes[1] {
                self.caller.wrong(format_args!("a double join got places {indexes:?}"));
            }
            one
        } else {
            self.caller.join().await?
        };
        let mut notes = market.notes.lock();
        match &joined {
            Some(joined) => drop(notes.joined.insert(person.number, joined.clone())),
            None => notes.count("came when all was sold"),
        }
        Ok(joined)
    }

    /// Knows the key or the place, and nothing else.
    async fn come_back(&self, place: Joined, kept: Kept) -> Result<Joined, Error> {
        self.caller.count("came back");
        if kept == Kept::Place {
            self.caller.place(&place.token).await?;
            return Ok(place);
        }
        let again = self.caller.join().await?;
        let same = again.as_ref().is_some_and(|again| again.index == place.index);
        if !same {
            self.caller.wrong(format_args!("came back to {again:?} instead of {place:?}"));
        }
        Ok(again.unwrap_or(place))
    }

    /// The turn, once after the draw.
    async fn turn(&self, place: &Joined) -> Result<u64, Error> {
        loop {
            let (turn, _) = self.caller.place(&place.token).await?;
            if let Some(turn) = turn {
                let Caller { person, market } = *self.caller;
                market.notes.lock().turns.insert(person.number, turn);
                return Ok(turn);
            }
            self.caller.count("turns asked for again");
            sleep(AGAIN).await;
        }
    }

    /// A claim long before the turn, and holds without a pass and with a false one.
    async fn cheat(&mut self, place: &Joined, turn: u64) -> Result<(), Error> {
        if turn > self.views.borrow().serving + 500 {
            let reply = self.caller.pass(&place.token).await?;
            // On a busy machine the turn may have come meanwhile. The ledger is checked for it too.
            let is_called = |view: &View| view.serving >= turn;
            let is_late = reply.status == 201 && until(&mut self.views, SOON, is_called).await;
            if is_late {
                self.caller.count("cheats that were no cheats");
            } else {
                self.refused("claim before the turn", &reply.short(), "409 not_called");
            }
        }
        for (attempt, pass) in [("no-pass", ""), ("false-pass", place.token.as_str())] {
            let reply = self.caller.hold(pass, 1, attempt).await?;
            self.refused("hold without a pass", &reply.short(), "403 pass_required");
        }
        Ok(())
    }

    fn refused(&self, what: &str, got: &str, expected: &str) {
        self.caller.count("cheats refused");
        if got != expected {
            self.caller.wrong(format_args!("{what}: {got}"));
        }
    }

    async fn claim(&self, place: &Joined) -> Result<Option<String>, Error> {
        loop {
            let reply = self.caller.pass(&place.token).await?;
            match reply.short().trim() {
                "201" => {
                    self.caller.market.timeline.moved();
                    let pass = reply.json()["pass"].as_str().unwrap_or_default().to_owned();
                    return self.keep(place, pass).await.map(Some);
                }
                // The turn has lapsed, and there is no room now.
                "409 not_called" => self.caller.count("lapsed, waited for room"),
                other => {
                    self.caller.wrong(format_args!("claim: {other}"));
                    return Ok(None);
                }
            }
            if self.is_sold_out() {
                return Ok(None);
            }
            sleep(AGAIN).await;
        }
    }

    /// Remembers the pass. A person who comes back has forgotten it, and gets it again.
    async fn keep(&self, place: &Joined, pass: String) -> Result<String, Error> {
        let Caller { person, market } = *self.caller;
        market.notes.lock().passes.insert(person.number, pass_id(&pass));
        if person.returns.is_some() {
            let again = self.caller.pass(&place.token).await?;
            if again.status != 201 || again.json()["pass"] != *pass {
                self.caller.wrong(format_args!("the second claim: {}", again.short()));
            }
            self.caller.count("passes claimed again");
        }
        Ok(pass)
    }

    async fn hold(&self, pass: &str) -> Result<Option<(String, u64)>, Error> {
        let Caller { person, market } = *self.caller;
        let mut qty = person.basket;
        for attempt in 0.. {
            let reply = self.caller.hold(pass, qty, &format!("hold-{attempt}")).await?;
            let body = reply.json();
            match reply.short().trim() {
                "201" => {
                    market.timeline.moved();
                    let id = body["id"].as_str().unwrap_or_default().to_owned();
                    market.notes.lock().holds.insert(person.number, (id.clone(), qty));
                    if person.cheats {
                        let again = self.caller.hold(pass, 1, "again").await?;
                        self.refused("second hold", &again.short(), "403 pass_spent");
                    }
                    return Ok(Some((id, qty)));
                }
                "409 sold_out" => {
                    self.caller.count("holds that found too few tickets");
                    qty = qty.min(body["available"]["general"].as_u64().unwrap_or_default().max(1));
                }
                "403 pass_spent" => {
                    self.caller.count("passes that expired");
                    return Ok(None);
                }
                other => {
                    self.caller.wrong(format_args!("hold: {other}"));
                    return Ok(None);
                }
            }
            if self.is_sold_out() {
                return Ok(None);
            }
            sleep(AGAIN).await;
        }
        Ok(None)
    }

    async fn finish(&self, hold: String, qty: u64) -> Result<(), Error> {
        let Caller { person, market } = *self.caller;
        if person.end == End::Expire {
            self.caller.count("holds left to expire");
            return Ok(());
        }
        sleep(person.thinks[1]).await;
        if person.end == End::Release {
            let reply = self.caller.release(&hold).await?;
            if reply.status >= 300 {
                self.caller.wrong(format_args!("release: {}", reply.short()));
            }
            self.caller.count("holds released");
            return Ok(());
        }
        let reply = self.caller.confirm(&hold).await?;
        match reply.status {
            200 => {
                market.timeline.moved();
                market.notes.lock().confirmed.insert(person.number, (hold, qty));
            }
            410 => self.caller.count("confirmed too late"),
            _ => self.caller.wrong(format_args!("confirm: {}", reply.short())),
        }
        Ok(())
    }
}

async fn pause(seconds: std::ops::Range<f64>) {
    let seconds = rand::rng().random_range(seconds);
    sleep(Duration::from_secs_f64(seconds)).await;
}
