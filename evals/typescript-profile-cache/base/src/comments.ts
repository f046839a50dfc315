import { Profile, Profiles } from "./profiles";

export interface Comment {
  id: number;
  authorId: string;
  text: string;
}

export interface ShownComment {
  id: number;
  author: Profile;
  text: string;
}

/** Add its author to each comment, in the given order. */
export async function withAuthors(comments: Comment[], profiles: Profiles): Promise<ShownComment[]> {
  return Promise.all(
    comments.map(async (comment) => ({
      id: comment.id,
      author: await profiles.get(comment.authorId),
      text: comment.text,
    })),
  );
}
