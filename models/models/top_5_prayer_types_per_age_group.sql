{#
    The five most frequent prayer types of each age group. Every session counts, complete or not, whose user and content both exist;
    ties go in the order of prayer_type.
-#}
with sessions as (
    select
        case
            when users.age between 18 and 24 then '18-24'
            when users.age between 25 and 34 then '25-34'
            when users.age between 35 and 44 then '35-44'
            when users.age between 45 and 54 then '45-54'
            when users.age between 55 and 64 then '55-64'
            when users.age >= 65 then '65+'
        end as age_group,
        content.prayer_type
    from {{ ref('stg_sessions') }} as sessions
    inner join {{ ref('stg_users') }} as users on users.user_id = sessions.user_id
    inner join {{ ref('stg_content') }} as content on content.content_id = sessions.content_id
),

counted as (
    select
        age_group,
        prayer_type,
        count(*) as session_count
    from sessions
    where age_group is not null and prayer_type is not null
    group by age_group, prayer_type
),

ranked as (
    select
        age_group,
        prayer_type,
        session_count,
        row_number() over (partition by age_group order by session_count desc, prayer_type) as age_group_rank
    from counted
)

select
    age_group,
    prayer_type,
    session_count,
    age_group_rank
from ranked
where age_group_rank <= 5
order by age_group, age_group_rank
