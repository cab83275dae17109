CREATE TABLE holds (node String, device String, start Int64, until Int64, workload String) ENGINE = MergeTree ORDER BY (node, device, start);

INSERT INTO holds VALUES {placements};

CREATE DICTIONARY holders (node String, device String, start Int64, until Int64, workload String)
PRIMARY KEY node, device
SOURCE(CLICKHOUSE(TABLE 'holds' DB 'ntegral'))
LAYOUT(COMPLEX_KEY_RANGE_HASHED()) RANGE(MIN start MAX until) LIFETIME(0);

SYSTEM RELOAD DICTIONARY holders;

CREATE TABLE samples (
    node LowCardinality(String),
    `axes.start` Array(Int64), `axes.tick` Array(Int64), `axes.steps` Array(Array(Int64)),
    devices Array(LowCardinality(String)), counts Array(UInt64), metrics Array(Int32),
    bases Array(Int64), scales Array(UInt64), offsets Array(String)
) ENGINE = Kafka SETTINGS
    kafka_broker_list = '{broker}', kafka_topic_list = 'ntegral.samples.v1', kafka_group_name = '{group}',
    kafka_format = 'ProtobufSingle', kafka_schema = '{schema}:Samples',
    kafka_num_consumers = 2, kafka_thread_per_consumer = 1,
    kafka_max_block_size = 4096, kafka_poll_max_batch_size = 4096, kafka_flush_interval_ms = 500;

CREATE TABLE pieces (
    node LowCardinality(String), device LowCardinality(String), minute Int64, workload LowCardinality(String),
    first SimpleAggregateFunction(min, Int64), last SimpleAggregateFunction(max, Int64),
    busy SimpleAggregateFunction(sum, Int64), readings SimpleAggregateFunction(sum, UInt64)
) ENGINE = AggregatingMergeTree ORDER BY (node, device, minute, workload);

CREATE FUNCTION numbers_of AS (base, scale, offsets, count) -> arrayMap(x -> base + toInt64(greatest(scale, 1) * x), multiIf(
    empty(offsets), arrayWithConstant(count, toUInt64(0)),
    length(offsets) = count, CAST(reinterpret(if(length(offsets) = count, offsets, ''), 'Array(UInt8)'), 'Array(UInt64)'),
    length(offsets) = 2 * count, CAST(reinterpret(if(length(offsets) = 2 * count, offsets, ''), 'Array(UInt16)'), 'Array(UInt64)'),
    length(offsets) = 4 * count, CAST(reinterpret(if(length(offsets) = 4 * count, offsets, ''), 'Array(UInt32)'), 'Array(UInt64)'),
    reinterpret(if(length(offsets) = 8 * count, offsets, ''), 'Array(UInt64)')));

CREATE MATERIALIZED VIEW join_holders TO pieces AS
SELECT node, device, intDiv(t, 60000000000) AS minute,
    dictGetOrDefault('holders', 'workload', (node, device), t, '') AS workload,
    min(e) AS first, max(e) AS last, sum(b) AS busy, count() AS readings
FROM (
    SELECT node, device, times,
        numbers_of(energy_base, energy_scale, energy_offsets, length(times)) AS energy,
        numbers_of(active_base, active_scale, active_offsets, length(times)) AS active
    FROM (
        SELECT node,
            arrayCumSum(arrayPushFront(arrayMap(x -> x * axes.tick[1], axes.steps[1]), axes.start[1])) AS times,
            arrayFilter((x, m) -> m = 2, arrayFlatten(arrayMap((d, c) -> arrayWithConstant(c, d), devices, counts)), metrics) AS energy_devices,
            arrayFilter((x, m) -> m = 2, bases, metrics) AS energy_bases,
            arrayFilter((x, m) -> m = 2, scales, metrics) AS energy_scales,
            arrayFilter((x, m) -> m = 2, offsets, metrics) AS energy_columns,
            arrayFilter((x, m) -> m = 5, bases, metrics) AS active_bases,
            arrayFilter((x, m) -> m = 5, scales, metrics) AS active_scales,
            arrayFilter((x, m) -> m = 5, offsets, metrics) AS active_columns
        FROM samples
        WHERE notEmpty(axes.start)
    )
    ARRAY JOIN energy_devices AS device,
        energy_bases AS energy_base, energy_scales AS energy_scale, energy_columns AS energy_offsets,
        active_bases AS active_base, active_scales AS active_scale, active_columns AS active_offsets
)
ARRAY JOIN times AS t, energy AS e, active AS b
GROUP BY node, device, minute, workload;

SELECT minute, node, workload, sum(next - first)
FROM (
    SELECT node, device, minute, workload, first,
        leadInFrame(first, 1, last) OVER (PARTITION BY node, device ORDER BY minute, first ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next
    FROM (
        SELECT node, device, minute, workload, min(first) AS first, max(last) AS last
        FROM pieces GROUP BY node, device, minute, workload
    )
)
GROUP BY minute, node, workload
FORMAT TSV
