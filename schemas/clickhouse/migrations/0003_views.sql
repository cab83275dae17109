-- What each workload had, used, cost and emitted, by hour. Ratios are computed
-- here, from sums; an unknown cost or factor is NULL, never 0.
CREATE VIEW workload_efficiency_hourly AS
SELECT
    hour, cluster, region, workload, workload_kind, team, tenant, currency,
    sum(f.device_seconds) / 3600 AS device_hours,
    if(sum(f.known_seconds) = 0, NULL, toFloat64(sum(f.busy_seconds)) / toFloat64(sum(f.known_seconds))) AS busy_ratio,
    if(sum(f.device_seconds) = 0, NULL, toFloat64(sum(f.covered_seconds)) / toFloat64(sum(f.device_seconds))) AS coverage_ratio,
    toFloat64(sum(f.energy_j)) / 3.6e6 AS energy_kwh,
    toFloat64(sum(f.facility_j)) / 3.6e6 AS facility_kwh,
    toFloat64(sum(f.estimated_j)) / 3.6e6 AS estimated_kwh,
    if(sum(f.cost_intervals) = 0, NULL, sum(f.hold_cost) + sum(f.energy_cost)) AS cost,
    if(sum(f.location_intervals) = 0, NULL, sum(f.carbon_location_g)) AS carbon_location_g,
    if(sum(f.market_intervals) = 0, NULL, sum(f.carbon_market_g)) AS carbon_market_g,
    if(sum(f.embodied_intervals) = 0, NULL, sum(f.embodied_g)) AS embodied_g
FROM facts_hourly AS f
GROUP BY hour, cluster, region, workload, workload_kind, team, tenant, currency;

-- Device-hours that nobody held, or that a holder left idle, by day.
CREATE VIEW idle_daily AS
SELECT
    day, cluster, region, device_model, workload, team,
    sum(f.device_seconds) / 3600 AS device_hours,
    sum(f.known_seconds - f.busy_seconds) / 3600 AS idle_hours,
    toFloat64(sum(f.energy_j)) / 3.6e6 AS energy_kwh,
    if(sum(f.cost_intervals) = 0, NULL, sum(f.hold_cost) + sum(f.energy_cost)) AS cost,
    currency
FROM facts_daily AS f
GROUP BY day, cluster, region, device_model, workload, team, currency;
