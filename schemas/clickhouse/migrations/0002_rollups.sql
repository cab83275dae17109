-- Facts by hour of the window's start. Sums are wide: a SummingMergeTree adds inside the stored type.
CREATE TABLE facts_hourly
(
    hour DateTime('UTC'),
    node String,
    device String,
    placement String,
    state LowCardinality(String),
    provider LowCardinality(String),
    region LowCardinality(String),
    zone LowCardinality(String),
    instance_type LowCardinality(String),
    cluster LowCardinality(String),
    device_kind LowCardinality(String),
    device_model LowCardinality(String),
    manager LowCardinality(String),
    workload LowCardinality(String),
    workload_kind LowCardinality(String),
    tenant LowCardinality(String),
    team LowCardinality(String),
    currency LowCardinality(String),
    device_seconds Decimal(38, 9),
    busy_seconds Decimal(38, 9),
    known_seconds Decimal(38, 9),
    covered_seconds Decimal(38, 9),
    conflict_seconds Decimal(38, 9),
    oversubscribed_seconds Decimal(38, 9),
    unpriced_seconds Decimal(38, 9),
    energy_j Decimal(38, 6),
    overhead_j Decimal(38, 6),
    facility_j Decimal(38, 6),
    estimated_j Decimal(38, 6),
    assumed_pue_j Decimal(38, 6),
    assumed_market_j Decimal(38, 6),
    hold_cost Decimal(38, 9),
    energy_cost Decimal(38, 9),
    carbon_location_g Decimal(38, 6),
    carbon_market_g Decimal(38, 6),
    embodied_g Decimal(38, 6),
    intervals Int64,
    cost_intervals Int64,
    location_intervals Int64,
    market_intervals Int64,
    embodied_intervals Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, cluster, workload, node, device, placement, state, provider, region, zone, instance_type, device_kind, device_model, manager, workload_kind, tenant, team, currency)
SETTINGS non_replicated_deduplication_window = 100000;

CREATE MATERIALIZED VIEW facts_hourly_mv TO facts_hourly AS
SELECT
    toStartOfHour(window_start) AS hour,
    node, device, placement, state, provider, region, zone, instance_type, cluster, device_kind, device_model, manager, workload, workload_kind, tenant, team, currency,
    sum(device_seconds) AS device_seconds,
    sum(busy_seconds) AS busy_seconds,
    sum(known_seconds) AS known_seconds,
    sum(covered_seconds) AS covered_seconds,
    sum(conflict_seconds) AS conflict_seconds,
    sum(oversubscribed_seconds) AS oversubscribed_seconds,
    sum(unpriced_seconds) AS unpriced_seconds,
    sum(energy_j) AS energy_j,
    sum(overhead_j) AS overhead_j,
    sum(facility_j) AS facility_j,
    sum(estimated_j) AS estimated_j,
    sum(assumed_pue_j) AS assumed_pue_j,
    sum(assumed_market_j) AS assumed_market_j,
    sum(hold_cost) AS hold_cost,
    sum(energy_cost) AS energy_cost,
    sum(carbon_location_g) AS carbon_location_g,
    sum(carbon_market_g) AS carbon_market_g,
    sum(embodied_g) AS embodied_g,
    sum(intervals) AS intervals,
    sum(cost_intervals) AS cost_intervals,
    sum(location_intervals) AS location_intervals,
    sum(market_intervals) AS market_intervals,
    sum(embodied_intervals) AS embodied_intervals
FROM facts
GROUP BY hour, node, device, placement, state, provider, region, zone, instance_type, cluster, device_kind, device_model, manager, workload, workload_kind, tenant, team, currency;

-- Facts by day (UTC). Sums are wide: a SummingMergeTree adds inside the stored type.
CREATE TABLE facts_daily
(
    day DateTime('UTC'),
    node String,
    device String,
    placement String,
    state LowCardinality(String),
    provider LowCardinality(String),
    region LowCardinality(String),
    zone LowCardinality(String),
    instance_type LowCardinality(String),
    cluster LowCardinality(String),
    device_kind LowCardinality(String),
    device_model LowCardinality(String),
    manager LowCardinality(String),
    workload LowCardinality(String),
    workload_kind LowCardinality(String),
    tenant LowCardinality(String),
    team LowCardinality(String),
    currency LowCardinality(String),
    device_seconds Decimal(38, 9),
    busy_seconds Decimal(38, 9),
    known_seconds Decimal(38, 9),
    covered_seconds Decimal(38, 9),
    conflict_seconds Decimal(38, 9),
    oversubscribed_seconds Decimal(38, 9),
    unpriced_seconds Decimal(38, 9),
    energy_j Decimal(38, 6),
    overhead_j Decimal(38, 6),
    facility_j Decimal(38, 6),
    estimated_j Decimal(38, 6),
    assumed_pue_j Decimal(38, 6),
    assumed_market_j Decimal(38, 6),
    hold_cost Decimal(38, 9),
    energy_cost Decimal(38, 9),
    carbon_location_g Decimal(38, 6),
    carbon_market_g Decimal(38, 6),
    embodied_g Decimal(38, 6),
    intervals Int64,
    cost_intervals Int64,
    location_intervals Int64,
    market_intervals Int64,
    embodied_intervals Int64
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, cluster, workload, node, device, placement, state, provider, region, zone, instance_type, device_kind, device_model, manager, workload_kind, tenant, team, currency)
SETTINGS non_replicated_deduplication_window = 100000;

CREATE MATERIALIZED VIEW facts_daily_mv TO facts_daily AS
SELECT
    toStartOfDay(hour) AS day,
    node, device, placement, state, provider, region, zone, instance_type, cluster, device_kind, device_model, manager, workload, workload_kind, tenant, team, currency,
    sum(device_seconds) AS device_seconds,
    sum(busy_seconds) AS busy_seconds,
    sum(known_seconds) AS known_seconds,
    sum(covered_seconds) AS covered_seconds,
    sum(conflict_seconds) AS conflict_seconds,
    sum(oversubscribed_seconds) AS oversubscribed_seconds,
    sum(unpriced_seconds) AS unpriced_seconds,
    sum(energy_j) AS energy_j,
    sum(overhead_j) AS overhead_j,
    sum(facility_j) AS facility_j,
    sum(estimated_j) AS estimated_j,
    sum(assumed_pue_j) AS assumed_pue_j,
    sum(assumed_market_j) AS assumed_market_j,
    sum(hold_cost) AS hold_cost,
    sum(energy_cost) AS energy_cost,
    sum(carbon_location_g) AS carbon_location_g,
    sum(carbon_market_g) AS carbon_market_g,
    sum(embodied_g) AS embodied_g,
    sum(intervals) AS intervals,
    sum(cost_intervals) AS cost_intervals,
    sum(location_intervals) AS location_intervals,
    sum(market_intervals) AS market_intervals,
    sum(embodied_intervals) AS embodied_intervals
FROM facts_hourly
GROUP BY day, node, device, placement, state, provider, region, zone, instance_type, cluster, device_kind, device_model, manager, workload, workload_kind, tenant, team, currency;
