//! The level of the cluster is raised or lowered (KIP-584, KIP-778).
//!
//! A level is in force for all nodes at once, so every registered broker and controller must
//! support it, whether it runs or not.

use crate::{Decision, Refusal};
use klamm_metadata::{
    Image,
    feature_level::{KLAMM_VERSION, KRAFT_VERSION, LEVELS, Level, LevelRange, kraft_version},
    proto,
};
use klamm_types::ErrorCode;

/// What may be done to a level, with Kafka's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeType {
    /// 1: it may only rise.
    Upgrade,
    /// 2: it may also fall, if nothing is lost by that.
    SafeDowngrade,
    /// 3: it may also fall.
    UnsafeDowngrade,
}

impl UpgradeType {
    /// The type with that number.
    pub fn from_number(number: i32) -> Option<UpgradeType> {
        match number {
            1 => Some(UpgradeType::Upgrade),
            2 => Some(UpgradeType::SafeDowngrade),
            3 => Some(UpgradeType::UnsafeDowngrade),
            _ => None,
        }
    }
}

/// One feature that is to have another level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureUpdate {
    /// Its name.
    pub name: String,
    /// The level that it is to have.
    pub level: i32,
    /// What may be done to it; `None`: an unknown type.
    pub upgrade_type: Option<UpgradeType>,
}

/// Levels are to change: all of them or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateFeatures {
    /// Which, each feature once.
    pub updates: Vec<FeatureUpdate>,
    /// Says what would happen, and changes nothing.
    pub validate_only: bool,
}

pub(crate) fn decide(image: &Image, request: &UpdateFeatures) -> Decision<Result<(), Refusal>> {
    let mut records = Vec::new();
    for update in &request.updates {
        match check(image, update, LEVELS) {
            Ok(true) => records.push(
                proto::FeatureLevelRecord {
                    name: update.name.clone(),
                    level: update.level,
                }
                .into(),
            ),
            Ok(false) => {}
            Err(reason) => {
                let message = format!(
                    "Invalid update version {} for feature {}. {reason}",
                    update.level, update.name
                );
                let code = ErrorCode::InvalidUpdateVersion;
                return Decision::refused(Refusal::new(code, message));
            }
        }
    }
    if request.validate_only {
        records.clear();
    }
    Decision {
        records,
        response: Ok(()),
    }
}

/// Whether the level changes; or why it must not.
fn check(image: &Image, update: &FeatureUpdate, levels: &[Level]) -> Result<bool, String> {
    let Some(upgrade_type) = update.upgrade_type else {
        return Err("The controller does not support the given upgrade type.".to_owned());
    };
    match update.name.as_str() {
        KLAMM_VERSION => {
            check_direction(image.level(), update.level, upgrade_type, levels)?;
            check_support(image, update.level)?;
            Ok(update.level != image.level())
        }
        KRAFT_VERSION if update.level == kraft_version(image.level()) => Ok(false),
        KRAFT_VERSION => Err(format!("It follows from {KLAMM_VERSION}.")),
        _ => Err("No node supports this feature.".to_owned()),
    }
}

fn check_direction(
    now: i32,
    to: i32,
    upgrade_type: UpgradeType,
    levels: &[Level],
) -> Result<(), String> {
    let loses = |level: &&Level| level.is_lossy && level.number > to && level.number <= now;
    match upgrade_type {
        UpgradeType::Upgrade if to < now => Err(format!(
            "Can't downgrade from {now} without setting the upgrade type to either safe or unsafe \
             downgrade."
        )),
        UpgradeType::SafeDowngrade | UpgradeType::UnsafeDowngrade if to > now => {
            Err(format!("Can't downgrade to a newer version than {now}."))
        }
        UpgradeType::SafeDowngrade => match levels.iter().find(loses) {
            Some(level) => Err(format!(
                "Level {} is not safe to leave, because what came with it may be lost: {}.",
                level.number, level.brought
            )),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn check_support(image: &Image, level: i32) -> Result<(), String> {
    let brokers = image
        .brokers()
        .map(|(id, broker)| ("Broker", id, broker.levels));
    let controllers = image.controllers();
    let controllers = controllers.map(|(id, node)| ("Controller", id, node.levels));
    let lacks = |(_, _, levels): &(&str, _, LevelRange)| !levels.contains(level);
    match controllers.chain(brokers).find(lacks) {
        Some((what, id, levels)) => Err(format!("{what} {id} only supports versions {levels}.")),
        None if LevelRange::SUPPORTED.contains(level) => Ok(()),
        None => Err(format!(
            "This release only supports versions {}.",
            LevelRange::SUPPORTED
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(level: i32, broker: LevelRange, controller: LevelRange) -> Image {
        let mut image = Image::new();
        let records: [proto::Record; 3] = [
            proto::FeatureLevelRecord {
                name: KLAMM_VERSION.into(),
                level,
            }
            .into(),
            proto::RegisterBrokerRecord {
                broker_id: 4,
                incarnation_id: vec![0; 16],
                levels: broker.into(),
                ..Default::default()
            }
            .into(),
            proto::RegisterControllerRecord {
                controller_id: 5,
                levels: controller.into(),
                ..Default::default()
            }
            .into(),
        ];
        for record in &records {
            image.replay(record).unwrap();
        }
        image
    }

    fn update(name: &str, level: i32, number: i32) -> UpdateFeatures {
        UpdateFeatures {
            updates: vec![FeatureUpdate {
                name: name.into(),
                level,
                upgrade_type: UpgradeType::from_number(number),
            }],
            validate_only: false,
        }
    }

    #[test]
    fn a_level_changes_only_if_everybody_follows_and_nothing_is_lost() {
        let (new, old) = (LevelRange::SUPPORTED, LevelRange::default());
        let klamm = KLAMM_VERSION;
        for (now, broker, controller, name, to, number, expected) in [
            (1, new, new, klamm, 2, 1, Ok(true)),
            (2, new, new, klamm, 2, 1, Ok(false)),
            (
                1,
                old,
                new,
                klamm,
                2,
                1,
                Err("Broker 4 only supports versions 1-1"),
            ),
            (
                1,
                new,
                old,
                klamm,
                2,
                1,
                Err("Controller 5 only supports versions 1-1"),
            ),
            (1, new, new, klamm, 3, 1, Err("only supports versions 1-2")),
            (1, new, new, klamm, 0, 1, Err("Can't downgrade from 1")),
            (2, new, new, klamm, 1, 1, Err("Can't downgrade from 2")),
            (2, new, new, klamm, 1, 2, Err("not safe to leave")),
            (2, new, new, klamm, 1, 3, Ok(true)),
            (2, new, new, klamm, 0, 3, Err("only supports versions 1-2")),
            (1, new, new, klamm, 2, 2, Err("to a newer version")),
            (1, new, new, klamm, 2, 9, Err("upgrade type")),
            (2, new, new, KRAFT_VERSION, 1, 1, Ok(false)),
            (1, new, new, KRAFT_VERSION, 1, 1, Err("follows from")),
            (
                2,
                new,
                new,
                "metadata.version",
                30,
                1,
                Err("No node supports"),
            ),
        ] {
            let case = format!("{name} {now} to {to} by {number}");
            let image = image(now, broker, controller);
            let decided = decide(&image, &update(name, to, number));
            match (expected, &decided.response) {
                (Ok(changes), Ok(())) => {
                    assert_eq!(decided.records.len(), usize::from(changes), "{case}");
                }
                (Err(part), Err(refusal)) => {
                    assert!(refusal.message.contains(part), "{case}: {refusal}");
                    assert_eq!(refusal.code, ErrorCode::InvalidUpdateVersion);
                }
                (_, response) => panic!("{case}: {response:?}"),
            }
            let only_tried = UpdateFeatures {
                validate_only: true,
                ..update(name, to, number)
            };
            let tried = decide(&image, &only_tried);
            assert_eq!(tried.response, decided.response, "{case}");
            assert!(tried.records.is_empty());
        }
    }

    #[test]
    fn what_loses_nothing_is_safe_to_leave() {
        let level = |number, is_lossy| Level {
            number,
            brought: "something",
            is_lossy,
        };
        let levels = [level(1, false), level(2, true), level(3, false)];
        let safe = |now, to| check_direction(now, to, UpgradeType::SafeDowngrade, &levels);
        assert!(safe(3, 2).is_ok());
        assert!(safe(3, 1).is_err());
        assert!(safe(2, 1).is_err());
    }
}
