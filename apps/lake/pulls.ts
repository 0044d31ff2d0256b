/** The entities that the lake pulls. `DATA_BASE_URL` says from where. */
import { rest } from 'tributary';

interface User {
  readonly user_id: string;
}

interface Content {
  readonly content_id: string;
}

const base = rest.variable('DATA_BASE_URL', 'http://localhost:9090/api/');
const text = { type: 'string', minLength: 1 };

const users = rest.pull<User>({
  name: 'users',
  base,
  path: 'users',
  items: 'users',
  count: 'count',
  total: 'total_users',
  pages: rest.offset({ limit: 200, parallel: 8, hasMore: 'has_more', nextOffset: 'next_offset' }),
  key: ({ user_id }) => user_id,
  schema: {
    type: 'object',
    required: ['user_id', 'age', 'status', 'country', 'created_at'],
    properties: { user_id: text, age: { type: 'integer' }, status: text, country: text, created_at: text },
  },
});

const content = rest.pull<Content>({
  name: 'content',
  base,
  path: 'content',
  items: 'content',
  count: 'count',
  total: 'total_content',
  key: ({ content_id }) => content_id,
  schema: {
    type: 'object',
    required: ['content_id', 'prayer_type', 'media_type', 'created_at'],
    properties: { content_id: text, prayer_type: text, media_type: text, created_at: text },
  },
});

export const pulls = [users, content];
