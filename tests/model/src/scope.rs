//! What is checked: the rig, what may go wrong and how often, and how the code is spoilt to see that it shows.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use killcord_core::{
    Check, Condition, Control, ControlKind, DevicePlan, Item, LinkIx, LinkPlan, Plan, Policy, Rig, Step,
    Verify,
    plan::{Connect, Protocol, Terminator},
    rig::Needs,
};

/// Silence after which host and watchdog take each other for hung.
pub const HANG_AFTER: Duration = Duration::from_secs(1);
/// Silence after which the session's lease is over.
pub const EXPIRE_AFTER: Duration = Duration::from_secs(1);
/// The longest that a teardown may take. Its budget and record leave the controlled sequence half a second.
pub const DEADLINE: Duration = Duration::from_secs(2);
/// One exchange.
const TIMEOUT: Duration = Duration::from_millis(250);
/// A process that is stopped, or a device that does not read, goes on after so long at the latest: more changes
/// nothing, for by then everybody has noticed.
pub const PAUSED_MOST: Duration = Duration::from_millis(2500);

/// The line that energises the device.
pub const ON: &str = "OUTP ON";
/// The line that makes it safe.
pub const OFF: &str = "OUTP OFF";

/// How often each of these may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Chances {
    /// The host is killed.
    pub host_dies: u8,
    /// The watchdog is killed.
    pub watchdog_dies: u8,
    /// The host is stopped, and continued later.
    pub host_stops: u8,
    /// The watchdog is stopped, and continued later.
    pub watchdog_stops: u8,
    /// From some time on no watchdog can be started any more.
    pub starts_fail: u8,
    /// The page is gone without a goodbye.
    pub page_dies: u8,
    /// The device reads nothing for a while: what it is sent stays in the sender's socket.
    pub device_dozes: u8,
    /// The link's thread never comes back from what it does.
    pub link_sticks: u8,
    /// The operator arms.
    pub arms: u8,
    /// The operator uses a control that needs no armed rig.
    pub sets: u8,
    /// Somebody presses Safe stop.
    pub safe_stops: u8,
    /// The host is asked to end.
    pub ends: u8,
    /// Another host is started once this one is dead.
    pub starts: u8,
}

/// A fault put into the glue, to see that the check finds it. Not one of them is in core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// TCP links without `SO_LINGER {1, 0}`: what a dead host has sent is still delivered.
    NoLinger,
    /// Bytes that act do not wait until the watchdog has echoed that it knows.
    NoEcho,
    /// The watchdog acts beside a living host.
    HostNotEnded,
    /// The fence is not compared before a write.
    NoFence,
    /// A new watchdog is not told what the one before it knew.
    NotToldAgain,
    /// A host that ends leaves an unsafe device to nobody, where its watchdog is being replaced or is stopped.
    LeftAlone,
    /// The host beats by a timer, whatever becomes of its links.
    BlindBeat,
}

/// Where a check begins: what lies before is another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// A host was just started.
    Start,
    /// The rig is safe, and waits for its operator.
    Idle,
    /// It is armed.
    Armed,
}

/// One check.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The rig: one device on a TCP line, with a control besides its arm sequence.
    pub rig: Arc<Rig>,
    /// What may go wrong.
    pub chances: Chances,
    /// What is wrong with the glue.
    pub flaw: Option<Flaw>,
    /// Where it begins.
    pub begin: Begin,
    /// The host's executor and the device take their time as everybody else does. Else they do at once what they
    /// have to do, which is seen by nobody but in the order of a cause and the end of a teardown.
    pub loose: bool,
}

impl Scope {
    /// The code as it is.
    #[must_use]
    pub fn new(chances: Chances) -> Self {
        Self { rig: rig(), chances, flaw: None, begin: Begin::Idle, loose: false }
    }

    /// The code with one fault in it.
    #[must_use]
    pub fn spoilt(flaw: Flaw, chances: Chances) -> Self {
        Self { flaw: Some(flaw), ..Self::new(chances) }
    }

    /// The same from another beginning.
    #[must_use]
    pub fn from(self, begin: Begin) -> Self {
        Self { begin, ..self }
    }

    /// The same with every thread on its own.
    #[must_use]
    pub fn loose(self) -> Self {
        Self { loose: true, ..self }
    }

    pub(crate) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub(crate) fn plan(&self) -> Arc<Plan> {
        Arc::new(self.rig.plan.clone())
    }
}

fn rig() -> Arc<Rig> {
    let off = || vec![Item::Do(Step::send(OFF))];
    let device = DevicePlan {
        name: "psu".into(),
        label: None,
        driver: "scpi".into(),
        keys: BTreeMap::new(),
        link: LinkIx(0),
        timeout: TIMEOUT,
        budget: Duration::from_secs(1),
        open: Vec::new(),
        id: None,
        expect_id: None,
        sync: None,
        errors: None,
        arm: vec![Item::Do(Step::send(ON))],
        safe: off(),
        emergency: off(),
        verify: Verify::Checks(vec![Check::once(Step::query("OUTP?"), Condition::Below(0.5.into()))]),
        release: Vec::new(),
        instrument_watchdog: None,
        safe_after: Vec::new(),
        arm_after: None,
        optional: false,
        has_controls: true,
    };
    let link = LinkPlan {
        name: "psu".into(),
        connect: Connect::Tcp {
            host: "127.0.0.1".into(),
            port: 5025,
            protocol: Protocol::Line { terminator: Terminator::Lf },
        },
        cut_in: true,
    };
    let output = Control {
        device: 0.into(),
        name: "output".into(),
        label: None,
        kind: ControlKind::Button { send: Step::send(ON) },
        query: None,
        field: None,
        unit: String::new(),
        needs: Needs::Connected,
    };
    let mut policy = Policy::default();
    policy.safety.hang_after = HANG_AFTER;
    policy.safety.hold_for = EXPIRE_AFTER;
    policy.session.expire_after = EXPIRE_AFTER;
    let plan =
        Plan { rig: "bench".into(), deadline: DEADLINE, links: vec![link], devices: vec![device], app: None };
    Arc::new(Rig {
        plan,
        policy,
        readings: Vec::new(),
        controls: vec![output],
        messages: BTreeMap::new(),
        source: None,
        remote: None,
        ui: None,
    })
}
