//! What has no place on a node's ports: it is answered or cut off, costs little, and others notice nothing.

mod attacks;
mod bombs;
mod victim;

use victim::Victim;

/// One node for all attacks, one after the other: what each costs is measured.
#[test]
fn garbage_harms_nobody() {
    let victim = Victim::start();
    let ports = [victim.broker(), victim.controller()];
    for port in ports {
        victim.attack("random bytes", || attacks::random_bytes(port));
        victim.attack("other protocols", || attacks::other_protocols(port));
        victim.attack("truncated requests", || attacks::truncated(port));
    }
    let broker = victim.broker();
    victim.attack("sizes that are none", || attacks::sizes(broker));
    victim.attack("arrays without end", || attacks::arrays(broker));
    victim.attack("mutated requests", || attacks::mutated(broker));
    victim.attack("promises of 100 MB", || attacks::promises(broker));
    victim.attack("promises to the controller", || {
        attacks::promises(victim.controller())
    });
    for port in ports {
        victim.attack("half-open connections", || attacks::idle(port));
    }
    victim.attack("bombs", || bombs::explode(&victim));
    victim.attack("absurd counts", || bombs::absurd_counts(&victim));
    victim.survived();
}
