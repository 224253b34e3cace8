import unittest

import rules


class Rules(unittest.TestCase):
    def test_each_field_counts(self):
        self.assertEqual(rules.completeness({"first_name", "last_name", "unrelated"}), 33)
        self.assertEqual(rules.completeness(set()), 0)

    def test_people_without_a_name_are_refused_when_the_settings_say_so(self):
        self.assertIsNone(rules.refusal({"need_name": False}, set()))
        self.assertEqual(rules.refusal({"need_name": True}, {"job_title"}), "write a first or a last name")
        self.assertIsNone(rules.refusal({"need_name": True}, {"last_name"}))


if __name__ == "__main__":
    unittest.main()
