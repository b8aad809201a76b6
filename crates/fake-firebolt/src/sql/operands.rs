//! Walking over bound expressions: which columns they look at, and renumbering those.
//!
//! What is inside a subquery belongs to other rows and is never renumbered.

use super::expr::Expr;

impl Expr {
    /// The direct operands; those inside subqueries belong to other rows and are not among them.
    pub(super) fn operands_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::Constant(_) | Self::Column(_) | Self::FromEnd(_) | Self::Outer { .. } => vec![],
            Self::Exists { .. } | Self::Scalar(_) | Self::Draw(_) => vec![],
            Self::Cast(inner, _) | Self::Negate(inner, _) | Self::Shift(inner, _) => vec![inner],
            Self::Not(inner) | Self::Grouping { number: inner, .. } => vec![inner],
            Self::TryCast(cast) => vec![&mut cast.0],
            Self::Lambda(lambda) => lambda.arrays.iter_mut().collect(),
            Self::Regexp(regexp) => regexp.arguments.iter_mut().collect(),
            Self::IsNull { operand, .. }
            | Self::IsTruth { operand, .. }
            | Self::InSet { operand, .. }
            | Self::LikeConstant { operand, .. } => vec![operand],
            Self::Compare(_, left, right)
            | Self::Arithmetic(_, left, right, _)
            | Self::Distinct { left, right, .. } => vec![left, right],
            Self::Like { operand, pattern, .. } => vec![operand, pattern],
            Self::Concat(parts) | Self::And(parts) | Self::Or(parts) => parts.iter_mut().collect(),
            Self::Call(_, parts) | Self::Struct(_, parts) => parts.iter_mut().collect(),
            Self::InList { operand, list, .. } => {
                std::iter::once(operand.as_mut()).chain(list).collect()
            }
            Self::InQuery { operands, .. } => operands.iter_mut().collect(),
            Self::Case { branches, otherwise } => branches
                .iter_mut()
                .flat_map(|(condition, result)| [condition, result])
                .chain(std::iter::once(otherwise.as_mut()))
                .collect(),
        }
    }

    fn has_correlated_query(&self) -> bool {
        match self {
            Self::Exists { query, .. } | Self::InQuery { query, .. } | Self::Scalar(query) => {
                query.correlated
            }
            Self::Lambda(lambda) => lambda.correlated,
            _ => false,
        }
    }

    /// Lowest and highest column that the expression looks at; `None` if it looks at none.
    /// A correlated subquery may look at any.
    pub(super) fn column_range(&mut self) -> Option<(usize, usize)> {
        let own = match self {
            Self::Column(index) => Some((*index, *index)),
            // What is drawn anew for each joined row must not go down to one side.
            Self::FromEnd(_) | Self::Draw(_) => Some((0, usize::MAX)),
            _ if self.has_correlated_query() => Some((0, usize::MAX)),
            _ => None,
        };
        self.operands_mut().into_iter().filter_map(Self::column_range).fold(own, |all, next| {
            Some(all.map_or(next, |(low, high)| (low.min(next.0), high.max(next.1))))
        })
    }

    /// Renumbers columns for a row that lacks the first `by`.
    pub(super) fn shift_down(&mut self, by: usize) {
        if let Self::Column(index) = self {
            *index -= by;
        }
        for operand in self.operands_mut() {
            operand.shift_down(by);
        }
    }

    /// Renumbers columns for a row that has `by` more in front.
    pub(super) fn shift_up(&mut self, by: usize) {
        if let Self::Column(index) = self {
            *index += by;
        }
        for operand in self.operands_mut() {
            operand.shift_up(by);
        }
    }

    /// Whether the value is the same for every row, and can be had without one. Functions are
    /// not looked into: some answer differently each time.
    pub(super) fn is_fixed(&self) -> bool {
        match self {
            Self::Constant(_) => true,
            Self::Cast(inner, _) | Self::Not(inner) => inner.is_fixed(),
            Self::Compare(_, left, right) | Self::Distinct { left, right, .. } => {
                left.is_fixed() && right.is_fixed()
            }
            Self::IsNull { operand, .. } | Self::IsTruth { operand, .. } => operand.is_fixed(),
            Self::And(parts) | Self::Or(parts) => parts.iter().all(Self::is_fixed),
            _ => false,
        }
    }

    /// The conditions that must all hold.
    pub(super) fn conjuncts(self) -> Vec<Expr> {
        match self {
            Self::And(parts) => parts.into_iter().flat_map(Self::conjuncts).collect(),
            other => vec![other],
        }
    }

    /// The conjunction of conditions; `None` for none.
    pub(super) fn all(mut parts: Vec<Expr>) -> Option<Expr> {
        match parts.len() {
            0 => None,
            1 => parts.pop(),
            _ => Some(Self::And(parts)),
        }
    }
}
