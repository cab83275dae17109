-- What each workload had, used, cost and emitted, by hour. Ratios are computed
-- here, from sums; an unknown cost or factor is NULL, never 0. Overhead, idle and
-- active energy add up to energy_kwh. A group that was taken back has no row.
CREATE VIEW workload_efficiency_hourly AS
SELECT
    hour, cluster, region, workload, workload_kind, team, tenant, currency,
    sum(f.device_seconds) / 3600 AS device_hours,
    if(sum(f.known_seconds) = 0, NULL, toFloat64(sum(f.busy_seconds)) / toFloat64(sum(f.known_seconds))) AS busy_ratio,
    if(sum(f.device_seconds) = 0, NULL, toFloat64(sum(f.covered_seconds)) / toFloat64(sum(f.device_seconds))) AS coverage_ratio,
    toFloat64(sum(f.energy_j)) / 3.6e6 AS energy_kwh,
    toFloat64(sum(f.overhead_j)) / 3.6e6 AS overhead_kwh,
    if(sum(f.idle_intervals) = 0, NULL, toFloat64(sum(f.idle_j)) / 3.6e6) AS idle_kwh,
    if(sum(f.idle_intervals) = 0, NULL, toFloat64(sum(f.energy_j) - sum(f.overhead_j) - sum(f.idle_j)) / 3.6e6) AS active_kwh,
    toFloat64(sum(f.facility_j)) / 3.6e6 AS facility_kwh,
    toFloat64(sum(f.estimated_j)) / 3.6e6 AS estimated_kwh,
    if(sum(f.cost_intervals) = 0, NULL, sum(f.hold_cost) + sum(f.energy_cost)) AS cost,
    if(sum(f.location_intervals) = 0, NULL, sum(f.carbon_location_g)) AS carbon_location_g,
    if(sum(f.market_intervals) = 0, NULL, sum(f.carbon_market_g)) AS carbon_market_g,
    if(sum(f.embodied_intervals) = 0, NULL, sum(f.embodied_g)) AS embodied_g
FROM facts_hourly AS f
GROUP BY hour, cluster, region, workload, workload_kind, team, tenant, currency
HAVING sum(f.intervals) != 0 OR sum(f.cost_intervals) != 0;

-- Where the device-hours of a day went: by state, with what they drew, cost and
-- emitted. The state of a node without accelerators is empty.
CREATE VIEW states_daily AS
SELECT
    day, cluster, region, device_model, workload, team, state,
    sum(f.device_seconds) / 3600 AS device_hours,
    toFloat64(sum(f.energy_j)) / 3.6e6 AS energy_kwh,
    if(sum(f.idle_intervals) = 0, NULL, toFloat64(sum(f.idle_j)) / 3.6e6) AS idle_kwh,
    if(sum(f.cost_intervals) = 0, NULL, sum(f.hold_cost) + sum(f.energy_cost)) AS cost,
    currency,
    if(sum(f.location_intervals) = 0, NULL, sum(f.carbon_location_g)) AS carbon_location_g,
    if(sum(f.market_intervals) = 0, NULL, sum(f.carbon_market_g)) AS carbon_market_g
FROM facts_daily AS f
GROUP BY day, cluster, region, device_model, workload, team, state, currency
HAVING sum(f.intervals) != 0 OR sum(f.cost_intervals) != 0;

-- Device-hours that nobody used, by day: that nobody held, that a holder left idle,
-- that waited for requests, of which nothing is known. Energy and cost are of these
-- hours alone.
CREATE VIEW idle_daily AS
SELECT
    day, cluster, region, device_model, workload, team,
    sum(f.device_seconds) / 3600 AS idle_hours,
    sumIf(f.device_seconds, f.state = 'unallocated') / 3600 AS unallocated_hours,
    sumIf(f.device_seconds, f.state = 'allocated_idle') / 3600 AS allocated_idle_hours,
    sumIf(f.device_seconds, f.state = 'held_between_requests') / 3600 AS held_between_requests_hours,
    sumIf(f.device_seconds, f.state = 'dark') / 3600 AS dark_hours,
    toFloat64(sum(f.energy_j)) / 3.6e6 AS energy_kwh,
    if(sum(f.cost_intervals) = 0, NULL, sum(f.hold_cost) + sum(f.energy_cost)) AS cost,
    currency
FROM facts_daily AS f
WHERE f.state IN ('unallocated', 'allocated_idle', 'held_between_requests', 'dark')
GROUP BY day, cluster, region, device_model, workload, team, currency
HAVING sum(f.intervals) != 0 OR sum(f.cost_intervals) != 0;

-- What a token and a request took, by hour. Full stack: facility energy, all cost,
-- all emissions. Accelerator: its own energy before PUE, and of cost and emissions
-- the part that this energy is of the facility energy. NULL: nothing was served, or
-- it is unknown. Over several hours divide sums; never average a quotient.
CREATE VIEW served_hourly AS
SELECT
    hour, cluster, region, workload, team, tenant, currency, requests, input_tokens, output_tokens,
    facility_j, accelerator_j, cost, carbon_location_g,
    if(facility_j = 0, NULL, toFloat64(accelerator_j) / toFloat64(facility_j)) AS accelerator_part,
    nullIf(toFloat64(facility_j), 0) / nullIf(output_tokens, 0) AS j_per_output_token,
    toFloat64(cost) / nullIf(output_tokens, 0) AS cost_per_output_token,
    toFloat64(carbon_location_g) / nullIf(output_tokens, 0) AS g_per_output_token,
    nullIf(toFloat64(facility_j), 0) / nullIf(requests, 0) AS j_per_request,
    toFloat64(cost) / nullIf(requests, 0) AS cost_per_request,
    toFloat64(carbon_location_g) / nullIf(requests, 0) AS g_per_request,
    nullIf(toFloat64(accelerator_j), 0) / nullIf(output_tokens, 0) AS accelerator_j_per_output_token,
    cost_per_output_token * accelerator_part AS accelerator_cost_per_output_token,
    g_per_output_token * accelerator_part AS accelerator_g_per_output_token,
    nullIf(toFloat64(accelerator_j), 0) / nullIf(requests, 0) AS accelerator_j_per_request,
    cost_per_request * accelerator_part AS accelerator_cost_per_request,
    g_per_request * accelerator_part AS accelerator_g_per_request
FROM
(
    SELECT
        hour, cluster, region, workload, team, tenant, currency,
        sum(f.requests) AS requests, sum(f.input_tokens) AS input_tokens, sum(f.output_tokens) AS output_tokens,
        sum(f.facility_j) AS facility_j, sum(f.energy_j) - sum(f.overhead_j) AS accelerator_j,
        if(sum(f.cost_intervals) = 0, NULL, sum(f.hold_cost) + sum(f.energy_cost)) AS cost,
        if(sum(f.location_intervals) = 0, NULL, sum(f.carbon_location_g)) AS carbon_location_g
    FROM facts_hourly AS f
    GROUP BY hour, cluster, region, workload, team, tenant, currency
    HAVING sum(f.intervals) != 0 OR sum(f.cost_intervals) != 0
);
