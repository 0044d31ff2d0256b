select day from {{ ref('base') }} except select day from {{ ref('daily') }}
